// Text as it is, with marks where something cannot be seen.
import { pieces } from '../core/inert';

export function Marks({ text }: { text: string }) {
  return <>{pieces(text).map((piece) => (piece.mark ? <span class="mark" title={piece.mark}>{piece.text}</span> : piece.text))}</>;
}
