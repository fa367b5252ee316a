import { ApplicationError } from "../../errors.ts";
import type { TextReader } from "../../http/body.ts";
import { LONGEST_IMAGES } from "./message-images.ts";

/** How many characters are kept of a body: its last message holds all that tools have answered in it, or images. */
const MOST_KEPT = 1024 * 1024 + LONGEST_IMAGES;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * The body of `POST /api/chat` as it comes. `useChat` sends its whole conversation with each message, of which the last
 * message alone counts: of each list on the body's own level nothing is kept but the last item, and nothing is made of
 * the others.
 */
export class LastMessageBody implements TextReader {
  #kept = "";
  /** What comes after that of the item that is being read; undefined outside of a list. */
  #item: string | undefined;
  /** Whether the item is too long to be kept. */
  #isTooLong = false;
  /** How many objects and arrays are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /**
   * Takes the next piece.
   *
   * @throws ApplicationError `payload_too_large` for a last message that is too long
   */
  take(piece: string): void {
    let start = 0;
    for (let index = 0; index < piece.length; index += 1) {
      if (this.#isInString) {
        index = this.#endOfString(piece, index);
        continue;
      }
      const unit = piece.charCodeAt(index);
      switch (unit) {
        case QUOTE:
          this.#isInString = true;
          break;
        case OPENING_BRACE:
        case OPENING_BRACKET:
          this.#depth += 1;
          if (this.#depth === 2 && unit === OPENING_BRACKET) {
            this.#keep(piece.slice(start, index + 1));
            start = index + 1;
            this.#item = "";
          }
          break;
        case COMMA:
          if (this.#depth === 2 && this.#item !== undefined) {
            this.#item = "";
            this.#isTooLong = false;
            start = index + 1;
          }
          break;
        case CLOSING_BRACE:
        case CLOSING_BRACKET:
          if (this.#depth === 2 && this.#item !== undefined) {
            this.#keep(piece.slice(start, index));
            start = index;
            if (this.#isTooLong) throw tooLong();
            this.#kept += this.#item;
            this.#item = undefined;
          }
          this.#depth -= 1;
          break;
        default:
      }
    }
    this.#keep(piece.slice(start));
  }

  get size(): number {
    return this.#kept.length + (this.#item?.length ?? 0);
  }

  /** What has been kept: JSON, where the body was. */
  get text(): string {
    return this.#kept + (this.#item ?? "");
  }

  /** Where the string ends that is being read; the piece's end where it goes on in the next one. */
  #endOfString(piece: string, start: number): number {
    let index = start;
    let isEscaped = this.#isEscaped;
    for (; index < piece.length; index += 1) {
      const unit = piece.charCodeAt(index);
      if (isEscaped) isEscaped = false;
      else if (unit === BACKSLASH) isEscaped = true;
      else if (unit === QUOTE) {
        this.#isInString = false;
        break;
      }
    }
    this.#isEscaped = isEscaped;
    return index;
  }

  #keep(text: string): void {
    const length = this.size + text.length;
    if (this.#item === undefined) {
      if (length > MOST_KEPT) throw tooLong();
      this.#kept += text;
    } else if (length > MOST_KEPT) {
      // It may not be the last.
      this.#item = "";
      this.#isTooLong = true;
    } else if (!this.#isTooLong) this.#item += text;
  }
}

function tooLong(): ApplicationError {
  return new ApplicationError(
    "payload_too_large",
    `The last message, and what is beside messages, may have ${MOST_KEPT} characters at most.`,
  );
}
