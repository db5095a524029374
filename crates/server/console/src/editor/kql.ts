// KQL for the eyes: what is coloured while somebody writes. What is right or wrong, and what fits, the server's own parser says.
import { StreamLanguage, type StreamParser } from '@codemirror/language';

const operators = new Set(
  'where extend project project-away project-keep project-rename project-reorder summarize sort order top top-nested take limit count distinct join union lookup mv-expand mv-apply parse parse-where parse-kv evaluate invoke render make-series make-graph graph-match graph-shortest-paths serialize sample sample-distinct search find getschema as consume facet fork partition reduce scan datatable print externaldata range let set declare'.split(' '),
);
const words = new Set('by on kind asc desc nulls first last and or not in has has_any has_all contains startswith endswith matches regex between of with from to step in~ has_cs contains_cs startswith_cs endswith_cs hasprefix hassuffix ago inner outer leftouter rightouter fullouter leftanti leftsemi innerunique true false null dynamic datetime timespan long int real string bool guid decimal'.split(' '));

type State = { triple: string };

const parser: StreamParser<State> = {
  name: 'kql',
  startState: () => ({ triple: '' }),
  token(stream, state) {
    if (state.triple) {
      if (stream.skipTo(state.triple)) {
        stream.match(state.triple);
        state.triple = '';
      } else stream.skipToEnd();
      return 'string';
    }
    if (stream.eatSpace()) return null;
    if (stream.match('//')) {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match(/^(```|~~~)/)) {
      state.triple = stream.current();
      return 'string';
    }
    if (stream.match(/^[hH]?@"(?:""|[^"])*"?/) || stream.match(/^[hH]?@'(?:''|[^'])*'?/) || stream.match(/^[hH]?"(?:\\.|[^"\\])*"?/) || stream.match(/^[hH]?'(?:\\.|[^'\\])*'?/)) return 'string';
    if (stream.match(/^\d+(\.\d+)?(e[+-]?\d+)?(d|h|m|s|ms|microsecond|tick)?\b/i)) return 'number';
    if (stream.match(/^[A-Za-z_$][\w]*(-[a-z]+)*/)) return word(stream.current(), stream.match(/^\s*\(/, false) !== null);
    if (stream.match(/^(\||==|!=|=~|!~|<=|>=|<>|[-+*/%<>=!])/)) return 'operator';
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: '//' }, closeBrackets: { brackets: ['(', '[', '{', "'", '"'] } },
};

function word(text: string, isCalled: boolean): string {
  if (operators.has(text)) return 'keyword';
  if (words.has(text)) return 'atom';
  if (isCalled) return 'variableName.function';
  return 'variableName';
}

export const kql = StreamLanguage.define(parser);
