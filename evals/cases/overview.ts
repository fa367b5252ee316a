import { calls, type EvalCase, withoutWord } from "../eval-case.ts";

/** Two of them, in a number that is no task's id and no part of a date or a time, or by their titles. */
const TWO =
  /(?<![#\d:.-])\b(2|[Tt]wo)\b(?![\d:-]|(nd)? (of )?[A-Z][a-z]{2})|[Tt]ax return.*[Cc]hoir|[Cc]hoir.*[Tt]ax return/s;

/** What is said of what cannot be begun by now. */
const CANNOT_YET = /wait|block|until|before|after|not|n['’]t|once|later|scheduled/;

/** Questions about the whole list, or a part of it that no single field names. */
export const overview: readonly EvalCase[] = [
  {
    name: "how-does-my-week-look",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Submit the tax return", due: days.today },
        { title: "Choir practice", due: days.at(0, "23:45") },
        { title: "Service the boiler", due: days.day(8) },
        { title: "Write the memoirs" },
      ],
      turns: [
        {
          person: "how does my week look?",
          model: [calls(["list_tasks", { due: "this_week" }]), "tells"],
          end: { says: [TWO], saysNot: ["memoirs"] },
        },
      ],
    }),
  },
  {
    name: "a-week-that-begins-on-sunday",
    timeZone: "America/New_York",
    weekStart: "sunday",
    story: (days) => ({
      tasks: [
        { title: "Wash the car", due: days.day(days.until("Saturday")) },
        { title: "Visit the grandparents", due: days.day(days.until("Saturday") + 1) },
        { title: "Plant the tulips", due: days.day(days.until("Saturday") + 3) },
      ],
      turns: [
        {
          person: "What's due this week?",
          model: [calls(["list_tasks", { due: "this_week" }]), "tells"],
          end: { says: ["car"], saysNot: ["grandparents", "tulips"] },
        },
      ],
    }),
  },
  {
    name: "where-do-things-stand",
    timeZone: "America/New_York",
    story: (days) => ({
      tasks: [
        { title: "Answer the auditor", due: days.day(-2) },
        { title: "Draft the contract", status: "in_progress" },
        { title: "Order the chairs", due: days.today },
        { title: "Archive the folders", status: "completed" },
      ],
      turns: [
        {
          person: "Give me a quick overview: where do things stand?",
          model: [calls(["list_tasks", { digest: true }]), "tells"],
          end: { says: ["auditor", "contract", "chairs"] },
        },
      ],
    }),
  },
  {
    name: "how-many-are-open",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        ..."abcdefghijklmnopqrstuvw".split("").map((letter) => ({ title: `Scan folder ${letter.toUpperCase()}` })),
        { title: "Buy a scanner", status: "completed" },
      ],
      turns: [
        {
          person: "How many tasks do I still have to do?",
          model: [calls(["list_tasks", { total: true, limit: 1 }]), "tells"],
          end: { says: [/(?<![\d:T.-])23\b(?![:.]?\d)|twenty[- ]three/i] },
        },
      ],
    }),
  },
  {
    name: "what-has-no-date",
    timeZone: "Europe/Berlin",
    story: (days) => ({
      tasks: [
        { title: "Try the new café" },
        { title: "Pay the deposit", due: days.day(4) },
        { title: "Frame the poster" },
        { title: "Pick up the suit", due: days.at(2, "18:00") },
      ],
      turns: [
        {
          person: "which tasks have no date yet?",
          model: [calls(["list_tasks", { due: "no_date" }]), "tells"],
          end: { says: ["café", "poster"], saysNot: ["deposit", "suit"] },
        },
      ],
    }),
  },
  {
    name: "what-can-i-start",
    timeZone: "Europe/London",
    story: (days) => ({
      tasks: [
        { title: "Sow the beans", scheduled: days.day(30) },
        { title: "Sharpen the spade" },
        { title: "Turn the compost", status: "completed" },
        { title: "Dig the bed", blocked_by: [2] },
      ],
      turns: [
        {
          person: "What could I start on right now?",
          model: [calls(["list_tasks", { status: "ready" }]), "tells"],
          end: { says: ["spade"], saysNot: ["compost", withoutWord(/beans|the bed/, CANNOT_YET)] },
        },
      ],
    }),
  },
  {
    name: "most-urgent-first",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Dust the attic", priority: "low" },
        { title: "Call the insurer", priority: "urgent" },
        { title: "Renew the lease", priority: "high" },
      ],
      turns: [
        {
          person: "list everything, the most important first",
          model: [calls(["list_tasks", { order: "priority" }]), "tells"],
          end: { says: [/insurer.*lease.*attic/is] },
        },
      ],
    }),
  },
  {
    name: "what-is-left-of-a-project",
    timeZone: "UTC",
    story: () => ({
      tasks: [
        { title: "Move to Porto", subtasks: [{ title: "Cancel the internet" }, { title: "Find a school" }] },
        { title: "Cancel the newspaper" },
      ],
      history: [["complete_task", { task_id: 3 }]],
      turns: [
        {
          person: "What is still open under “Move to Porto”?",
          model: [calls(["list_tasks", { search: "porto" }]), calls(["list_tasks", { parent_id: 1 }]), "tells"],
          end: { says: ["internet"], saysNot: ["newspaper", withoutWord(/school/, /complet|done|finish/)] },
        },
      ],
    }),
  },
  {
    name: "find-by-beginnings-and-without-accents",
    timeZone: "Europe/Berlin",
    story: (days) => ({
      tasks: [
        { title: "Pay the electricity bill", due: days.day(6) },
        { title: "Update the résumé", due: days.day(3) },
        { title: "Resume the piano lessons" },
      ],
      turns: [
        {
          person: "do I have something about electric bills?",
          model: [calls(["list_tasks", { search: "electric bill" }]), "tells"],
          end: { says: ["electricity bill"], saysNot: ["piano"] },
        },
        {
          person: "and what about my resume? I'm applying for a job",
          model: [calls(["list_tasks", { search: "RESUME" }]), "tells"],
          end: { says: ["résumé"] },
        },
      ],
    }),
  },
];
