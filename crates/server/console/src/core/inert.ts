// What logs hold was written by anybody, attackers included. It is shown as text alone: characters that cannot be seen, or that make
// text look other than it is, become marks that say what they are.

/** Controls, directions, invisible characters, tags, and halves of pairs. Line feeds and tabs stay as they are. */
const odd =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/u;
const oddAll = new RegExp(odd.source, 'gu');

const names: Record<number, string> = {
  0x00: 'NUL', 0x07: 'BEL', 0x08: 'BS', 0x0d: 'CR', 0x1b: 'ESC', 0x7f: 'DEL', 0x85: 'NEL', 0x9b: 'CSI', 0xad: 'SHY', 0x61c: 'ALM', 0x200b: 'ZWSP',
  0x200c: 'ZWNJ', 0x200d: 'ZWJ', 0x200e: 'LRM', 0x200f: 'RLM', 0x2028: 'LS', 0x2029: 'PS', 0x202a: 'LRE', 0x202b: 'RLE', 0x202c: 'PDF',
  0x202d: 'LRO', 0x202e: 'RLO', 0x2060: 'WJ', 0x2066: 'LRI', 0x2067: 'RLI', 0x2068: 'FSI', 0x2069: 'PDI', 0xfeff: 'BOM',
};

export type Piece = { text: string; mark?: string };

const isOrdinary = (text: string) => !odd.test(text);

/** Emoji are written with joiners and selectors; those say nothing false. */
const joinsEmoji = (before: string, character: string) => /[\u200d\ufe0e\ufe0f]/.test(character) && /\p{Extended_Pictographic}|[\u{1f3fb}-\u{1f3ff}\ufe0f]/u.test(before);

const code = (character: string) => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

/** Splits text into what can be shown as it is, and marks. Letters hidden in tag characters are told. */
export function pieces(text: string): Piece[] {
  if (isOrdinary(text)) return [{ text }];
  const all: Piece[] = [];
  let plain = '';
  let hidden = '';
  const flush = () => {
    if (plain) all.push({ text: plain });
    if (hidden) all.push({ text: `hidden: ${hidden}`, mark: 'Invisible tag characters that spell this text' });
    plain = '';
    hidden = '';
  };
  let before = '';
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point >= 0xe0020 && point < 0xe007f) {
      if (!hidden) flush();
      hidden += String.fromCharCode(point - 0xe0000);
    } else if (isOrdinary(character) || joinsEmoji(before, character)) {
      if (hidden) flush();
      plain += character;
    } else {
      flush();
      all.push({ text: names[point] ?? code(character), mark: `${code(character)}, which cannot be seen` });
    }
    before = character;
  }
  flush();
  return all;
}

/** The same as one text, for titles and names that programs read. */
export const visible = (text: string): string => (isOrdinary(text) ? text : pieces(text).map((piece) => (piece.mark ? `[${piece.text}]` : piece.text)).join(''));

/** How many characters stand out. */
export const oddities = (text: string): number => text.match(oddAll)?.length ?? 0;
