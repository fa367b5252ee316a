import { calls, type EvalCase, withoutWord } from "../eval-case.ts";

/** Questions: the answer says what is so, and nothing changes. */
export const reading: readonly EvalCase[] = [
  {
    name: "what-is-overdue",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Pay the water bill", due: days.day(-2) },
        { title: "Send Anna the contract", due: days.at(-1, "17:00") },
        { title: "Buy stamps", due: days.today },
        { title: "Water the ferns", due: days.day(3) },
        { title: "Read the novel" },
      ],
      turns: [
        {
          person: "what's overdue?",
          model: [calls(["list_tasks", { status: "overdue" }]), "tells"],
          end: { says: ["water bill", "contract"], saysNot: ["ferns", "novel", withoutWord(/stamps/, /today/)] },
        },
      ],
    }),
  },
  {
    name: "what-is-overdue-in-kathmandu",
    timeZone: "Asia/Kathmandu",
    story: (days) => ({
      tasks: [
        { title: "Renew the visa", due: days.day(-1) },
        { title: "Collect the laundry", due: days.today },
        { title: "Ring the electrician", due: days.day(1) },
      ],
      turns: [
        {
          person: "Which of my tasks are late?",
          model: [calls(["list_tasks", { status: "overdue" }]), "tells"],
          end: { says: ["visa"], saysNot: ["electrician", withoutWord(/laundry/, /today/)] },
        },
      ],
    }),
  },
  {
    name: "what-is-overdue-in-german",
    timeZone: "Europe/Berlin",
    story: (days) => ({
      tasks: [
        { title: "Steuererklärung abgeben", due: days.day(-3) },
        { title: "Blumen gießen", due: days.day(2) },
      ],
      turns: [
        {
          person: "Was ist überfällig?",
          model: [calls(["list_tasks", { status: "overdue" }]), "tells"],
          end: { says: ["Steuererklärung"], saysNot: ["Blumen"] },
        },
      ],
    }),
  },
  {
    name: "what-is-due-today",
    timeZone: "Pacific/Kiritimati",
    story: (days) => ({
      tasks: [
        { title: "Mend the net", due: days.today },
        { title: "Order diesel", due: days.day(1) },
        { title: "Meet the harbour master", due: days.at(0, "23:30") },
        { title: "Paint the hull", due: days.day(4) },
      ],
      turns: [
        {
          person: "What do I have to do today?",
          model: [calls(["list_tasks", { due: "today" }]), "tells"],
          end: { says: ["net", "harbour master"], saysNot: ["hull", withoutWord(/diesel/, /tomorrow/)] },
        },
      ],
    }),
  },
  {
    name: "what-is-due-tomorrow",
    timeZone: "America/New_York",
    story: (days) => ({
      tasks: [
        { title: "Hand in the essay", due: days.at(1, "08:00") },
        { title: "Return the library books", due: days.day(1) },
        { title: "Book a haircut", due: days.day(2) },
      ],
      turns: [
        {
          person: "anything for tomorrow?",
          model: [calls(["list_tasks", { due: "tomorrow" }]), "tells"],
          end: { says: ["essay", "library books"], saysNot: ["haircut"] },
        },
      ],
    }),
  },
  {
    name: "what-is-urgent",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Reply to the landlord", priority: "urgent" },
        { title: "Sort the photos", priority: "low" },
        { title: "Fix the leaking tap", priority: "urgent" },
        { title: "Learn the ukulele" },
      ],
      turns: [
        {
          person: "Show me only the urgent stuff",
          model: [calls(["list_tasks", { priority: "urgent" }]), "tells"],
          end: { says: ["landlord", "leaking tap"], saysNot: ["photos", "ukulele"] },
        },
      ],
    }),
  },
  {
    name: "what-is-tagged",
    timeZone: "Europe/London",
    story: () => ({
      tasks: [
        { title: "Pick up the parcel", tags: ["Errands"] },
        { title: "Write the minutes", tags: ["work"] },
        { title: "Drop off the keys", tags: ["errands", "home"] },
      ],
      turns: [
        {
          person: "which errands are left?",
          model: [calls(["list_tasks", { tags: ["errands"] }]), "tells"],
          end: { says: ["parcel", "keys"], saysNot: ["minutes"] },
        },
      ],
    }),
  },
  {
    name: "find-by-words",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Pay the electricity bill", due: "2030-01-15" },
        { title: "Call Bill about the boat" },
        { title: "Change the bulb in the hall" },
      ],
      turns: [
        {
          person: "When is the electricity bill due?",
          model: [calls(["list_tasks", { search: "electricity bill" }]), "tells"],
          end: {
            says: [/2030-01-15|\b15(th)?( of)? jan\w*,? 2030|jan\w* 15(th)?,? 2030|15[./]0?1[./]2030|1\/15\/2030/i],
            saysNot: ["bulb"],
          },
        },
      ],
    }),
  },
  {
    name: "read-the-notes",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        {
          title: "Set up the router",
          description: "The code on the back is **QX7-4421**.\n\nThe manual is in the drawer.",
        },
        { title: "Set up the printer", description: "Wants black ink." },
      ],
      turns: [
        {
          person: "What was the code I wrote down for the router?",
          model: [calls(["list_tasks", { search: "router" }]), calls(["get_task", { task_id: 1 }]), "tells"],
          end: { says: ["QX7-4421"] },
        },
      ],
    }),
  },
  {
    name: "what-did-i-finish",
    timeZone: "America/New_York",
    story: () => ({
      tasks: [{ title: "File the invoices" }, { title: "Clean the oven" }, { title: "Defrost the freezer" }],
      history: [
        ["complete_task", { task_id: 1 }],
        ["complete_task", { task_id: 3 }],
      ],
      turns: [
        {
          person: "What did I get done?",
          model: [calls(["list_tasks", { status: "completed" }]), "tells"],
          end: { says: ["invoices", "freezer"], saysNot: ["oven"] },
        },
      ],
    }),
  },
  {
    name: "what-happened-to-a-task",
    timeZone: "Europe/London",
    story: () => ({
      tasks: [{ title: "Plan the offsite" }, { title: "Plan the party" }],
      history: [
        ["update_task", { task_id: 1, priority: "high", note: "The board wants it before the summer." }],
        ["update_task", { task_id: 1, status: "in_progress", note: "Asked three hotels." }],
      ],
      turns: [
        {
          person: "What has happened with the offsite so far?",
          model: [
            calls(["list_tasks", { search: "offsite" }]),
            calls(["get_task", { task_id: 1, history: 10 }]),
            "tells",
          ],
          end: { says: [/hotels/i] },
        },
      ],
    }),
  },
  {
    name: "an-empty-list",
    timeZone: "UTC",
    story: () => ({
      tasks: [],
      turns: [
        {
          person: "what's on my list?",
          model: [calls(["list_tasks", {}]), "tells"],
          end: { says: [/\b(no|not|nothing|empty|none|clear)\b|n['’]t\b/i] },
        },
      ],
    }),
  },
];
