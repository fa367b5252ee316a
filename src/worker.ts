import { scryptSync } from "node:crypto";
export default {
  fetch(r: Request) {
    return new Response("hi " + r.headers.get("cf-connecting-ip"));
  },
};
