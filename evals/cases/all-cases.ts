import type { EvalCase } from "../eval-case.ts";
import { adding } from "./adding.ts";
import { changing } from "./changing.ts";
import { finishing } from "./finishing.ts";
import { moving } from "./moving.ts";
import { overview } from "./overview.ts";
import { reading } from "./reading.ts";
import { recurring } from "./recurring.ts";
import { ambiguous, impossible } from "./unclear.ts";
import { waiting } from "./waiting.ts";

/** Every case, in the order in which they are told. */
export const allCases: readonly EvalCase[] = [
  ...reading,
  ...overview,
  ...adding,
  ...moving,
  ...changing,
  ...finishing,
  ...recurring,
  ...waiting,
  ...ambiguous,
  ...impossible,
];
