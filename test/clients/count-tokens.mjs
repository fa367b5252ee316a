import { text } from "node:stream/consumers";
import { Tiktoken } from "js-tiktoken/lite";
import o200kBase from "js-tiktoken/ranks/o200k_base";

// Reads a JSON array of texts, and writes how many tokens each costs a model of OpenAI's.

const tokenizer = new Tiktoken(o200kBase);
const texts = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(texts.map((each) => tokenizer.encode(each, [], []).length)));
