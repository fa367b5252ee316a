import * as z from "zod";

/**
 * Objects within an input of which no more fields are published than these: what else they take is said elsewhere, and would
 * cost a model as much again. Not none, as some models' servers refuse an object without fields.
 */
export const publishedFields = z.registry<{ readonly only: readonly string[] }>();
