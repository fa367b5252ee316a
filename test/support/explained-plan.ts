import { z } from "zod";

/** A node of a plan that Postgres has carried out. */
export interface Plan {
  readonly node: string;
  readonly relation: string | undefined;
  /** Rows of the table or the index that were looked at, whether they were of use or not. */
  readonly read: number;
  readonly plans: readonly Plan[];
}

const planSchema: z.ZodType<Plan> = z
  .object({
    "Node Type": z.string(),
    "Relation Name": z.string().optional(),
    "Actual Rows": z.number(),
    "Actual Loops": z.number(),
    "Rows Removed by Filter": z.number().default(0),
    "Rows Removed by Index Recheck": z.number().default(0),
    get Plans() {
      return z.array(planSchema).default([]);
    },
  })
  .transform((plan) => ({
    node: plan["Node Type"],
    relation: plan["Relation Name"],
    read:
      (plan["Actual Rows"] + plan["Rows Removed by Filter"] + plan["Rows Removed by Index Recheck"]) *
      plan["Actual Loops"],
    plans: plan.Plans,
  }));

const explainedSchema = z.tuple([z.object({ "QUERY PLAN": z.tuple([z.object({ Plan: planSchema })]) })]);

/** The nodes of a plan, of the rows that `explain (analyze, format json)` answers with. */
export function nodesExplained(rows: unknown): Plan[] {
  return nodesOf(explainedSchema.parse(rows)[0]["QUERY PLAN"][0].Plan);
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...plan.plans.flatMap(nodesOf)];
}
