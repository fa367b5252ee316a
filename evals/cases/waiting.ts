import { calls, type EvalCase, says, withoutWord } from "../eval-case.ts";

/** Tasks that wait for others. */
export const waiting: readonly EvalCase[] = [
  {
    name: "add-what-waits",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Buy the primer" }, { title: "Buy new brushes" }],
      turns: [
        {
          person: "Add “paint the fence”. It has to wait until the primer is bought.",
          model: [
            calls(["list_tasks", { search: "primer" }]),
            calls(["create_task", { title: "Paint the fence", blocked_by: [1] }]),
            says("Added; it waits for the primer."),
          ],
          end: { added: [{ title: /fence/i, blocked_by: [1] }] },
        },
      ],
    }),
  },
  {
    name: "what-holds-it-up",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Get the lawyers' consent" },
        { title: "Choose a font" },
        { title: "Launch the website", blocked_by: [1] },
      ],
      turns: [
        {
          person: "What is holding up the launch of the website?",
          model: [calls(["list_tasks", { search: "launch" }]), calls(["get_task", { task_ids: [3, 1] }]), "tells"],
          end: { says: [/lawyers|consent/i], saysNot: ["font"] },
        },
      ],
    }),
  },
  {
    name: "what-can-start-by-now",
    timeZone: "Europe/London",
    story: () => ({
      tasks: [
        { title: "Clear the table" },
        { title: "Lay the cloth", blocked_by: [1] },
        { title: "Light the candles", blocked_by: [2] },
      ],
      turns: [
        {
          person: "the table is cleared",
          model: [
            calls(["list_tasks", { search: "table" }]),
            calls(["complete_task", { task_id: 1 }]),
            says("One thing less."),
          ],
          end: { changed: { 1: { status: "completed" } } },
        },
        {
          person: "So what can I get started on, with nothing in its way?",
          model: [calls(["list_tasks", { status: "ready" }]), "tells"],
          end: {
            changed: { 1: { status: "completed" } },
            says: ["cloth"],
            saysNot: [withoutWord(/candles/, /wait|block|until|before|after|not|n['’]t|once|then/)],
          },
        },
      ],
    }),
  },
  {
    name: "no-longer-waiting",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Wait for the permit" }, { title: "Dig the pond", blocked_by: [1] }],
      turns: [
        {
          person: "The pond doesn't depend on the permit any more, I can dig it whenever I like",
          model: [
            calls(["list_tasks", {}]),
            calls(["update_task", { task_id: 2, clear: ["blocked_by"] }]),
            says("It waits for nothing now."),
          ],
          end: { changed: { 2: { blocked_by: [] } } },
        },
      ],
    }),
  },
  {
    name: "waiting-in-a-circle",
    timeZone: "UTC",
    story: () => ({
      tasks: [{ title: "Sign the lease" }, { title: "Pay the deposit", blocked_by: [1] }],
      turns: [
        {
          person: "Signing the lease has to wait for the deposit as well, and keep the deposit waiting for the lease",
          model: [calls(["list_tasks", {}]), calls(["update_task", { task_id: 1, blocked_by: [2] }]), "tells"],
          end: { says: [/can(no|['’])t|cannot|circ|cycle|loop|(not |im)possible|unable|refused|must be tasks/i] },
        },
      ],
    }),
  },
];
