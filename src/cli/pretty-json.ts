const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;
const INDENT = '  ';

/**
 * JSON with a field a line. Its tokens stay as they are: `JSON.parse` would round long numbers and drop repeated fields.
 *
 * @param text valid JSON
 */
export function prettyJson(text: string): string {
  let depth = 0;
  let pretty = '';
  const tokens = text.match(TOKEN) ?? [];
  const newLine = (): string => `\n${INDENT.repeat(depth)}`;
  for (const [i, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      depth++;
      pretty += isClosing(tokens[i + 1]) ? token : token + newLine();
    } else if (isClosing(token)) {
      depth--;
      pretty += isOpening(tokens[i - 1]) ? token : newLine() + token;
    } else if (token === ',') {
      pretty += token + newLine();
    } else {
      pretty += token === ':' ? ': ' : token;
    }
  }
  return pretty;
}

const isOpening = (token: string | undefined): boolean => token === '{' || token === '[';
const isClosing = (token: string | undefined): boolean => token === '}' || token === ']';
