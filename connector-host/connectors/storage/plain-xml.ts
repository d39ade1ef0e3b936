/**
 * S3's XML, read as it comes: hostile until proven. Guarantees: well-formed (saxes), no document type and so no entity but XML's own five,
 * no comment, CDATA section or instruction beside the declaration, at most `maxDepth` deep, `maxElements` elements and `maxBytes`.
 * Anything else ends the call as `backend_refused`.
 */
import { SaxesParser } from 'saxes';
import { isConnectorRefusal, refuse } from '../../sdk/sdk.ts';

const maxDepth = 6;
const maxElements = 20_000;
const maxBytes = 4_194_304;
const maxTextCharacters = 8_192;

/** Called for each element that holds text alone, with the names from the root to it. */
export type TakeText = (path: string, text: string) => void;

export interface XmlReading {
  readonly text: TakeText;
  /** An element of that path has ended. */
  readonly closed?: (path: string) => void;
}

export async function readXml(body: AsyncIterable<Uint8Array>, reading: XmlReading): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parser = parserFor(reading);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) refused();
      parser.write(decoder.decode(chunk, { stream: true }));
    }
    parser.write(decoder.decode()).close();
  } catch (error) {
    // What a parser or a decoder says could hold the server's words.
    if (isConnectorRefusal(error)) throw error;
    refused();
  }
}

function parserFor({ text, closed }: XmlReading): SaxesParser {
  const parser = new SaxesParser();
  const open: string[] = [];
  let elements = 0;
  let said = '';
  for (const event of ['doctype', 'cdata', 'comment', 'processinginstruction', 'error'] as const)
    parser.on(event, refused);
  parser.on('opentag', ({ name }) => {
    elements += 1;
    open.push(name);
    if (open.length > maxDepth || elements > maxElements) refused();
    said = '';
  });
  parser.on('text', (more) => {
    said += more;
    if (said.length > maxTextCharacters) refused();
  });
  parser.on('closetag', () => {
    const path = open.join('/');
    text(path, said);
    closed?.(path);
    open.pop();
    said = '';
  });
  return parser;
}

function refused(): never {
  refuse('backend_refused', 'The storage answered in XML that cannot be read. Tell who runs it.');
}
