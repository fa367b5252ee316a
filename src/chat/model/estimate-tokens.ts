import { imagesOf, type ModelRequest } from "./model.ts";

const CHARACTERS_PER_TOKEN = 4;

/** What providers count for an image of a usual size; how many characters its bytes have says nothing. */
const TOKENS_PER_IMAGE = 1_500;

/** About how many tokens a request has, where nobody says. */
export function estimateInput({
  instructions,
  items,
  functions,
}: Pick<ModelRequest, "instructions" | "items" | "functions">): number {
  const words = items.map((item) => (imagesOf(item).length === 0 ? item : { ...item, images: undefined }));
  const images = items.flatMap(imagesOf);
  return estimateTokens(JSON.stringify([instructions, words, functions]).length) + images.length * TOKENS_PER_IMAGE;
}

/** About how many tokens so many characters have. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
