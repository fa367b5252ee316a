import * as z from "zod";

/** The largest id that Postgres' integer holds. */
const MAXIMUM_ID = 2_147_483_647;

/** How a text may name a value of a schema: after the sign that people write before it. */
export const signs = z.registry<{ readonly sign: string }>();

/** The number of one of a person's tasks. */
export const taskIdSchema = z
  .number()
  .refine((id) => Number.isInteger(id) && id >= 1 && id <= MAXIMUM_ID, {
    error: `must be a whole number from 1 to ${MAXIMUM_ID}`,
  })
  .meta({ type: "integer", minimum: 1, maximum: MAXIMUM_ID, description: "The task's id." })
  .register(signs, { sign: "#" });
