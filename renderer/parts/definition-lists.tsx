import type { DefinitionChange, DefinitionFinding } from '../../main/contract/definitions.ts';
import { count } from '../text.ts';
import { Chip } from './chip.tsx';

/** What may be wrong, the worst first. The server's own words are in the order of their characters. */
export function FindingList({ findings }: { readonly findings: readonly DefinitionFinding[] }) {
  const [bad, notices] = [
    findings.filter(({ weight }) => weight === 'quarantine'),
    findings.filter(({ weight }) => weight === 'notice'),
  ];
  return (
    <>
      {bad.length > 0 && (
        <>
          <h4 className="part">What looks hostile</h4>
          <ul className="rows">
            {bad.map((finding) => (
              <Finding key={keyOf(finding)} finding={finding} />
            ))}
          </ul>
        </>
      )}
      {notices.length > 0 && (
        <details className="notices">
          <summary>{count(notices.length, 'thing')} to know, as honest servers have them too</summary>
          <ul className="rows">
            {notices.map((finding) => (
              <Finding key={keyOf(finding)} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function keyOf({ code, tool, at, say }: DefinitionFinding): string {
  return [code, tool, at, say].join('\n');
}

function Finding({ finding: { tool, at, say, excerpt } }: { readonly finding: DefinitionFinding }) {
  return (
    <li className="row">
      <div>
        <strong>{say}</strong>
        <Where tool={tool} at={at} />
        {excerpt !== '' && <code className="excerpt">{excerpt}</code>}
      </div>
    </li>
  );
}

/** Old and new of each place that is different since the last approval. */
export function ChangeList({ changes }: { readonly changes: readonly DefinitionChange[] }) {
  if (changes.length === 0) return null;
  return (
    <>
      <h4 className="part">What is different since it was approved</h4>
      <ul className="rows">
        {changes.map((change) => (
          <li key={`${change.tool ?? ''}\n${change.at}`} className="row">
            <div>
              <strong>{change.at === '' ? 'The whole tool' : change.at}</strong>
              <Where tool={change.tool ?? ''} at="" />
              {change.old !== undefined && <Words word="was" text={change.old} />}
              {change.new !== undefined && <Words word="is" text={change.new} />}
            </div>
            <Chip tone={change.weight === 'changed' ? 'attention' : 'neutral'}>
              {change.weight === 'changed' ? change.what : 'harmless'}
            </Chip>
          </li>
        ))}
      </ul>
    </>
  );
}

function Words({ word, text }: { readonly word: 'was' | 'is'; readonly text: string }) {
  return (
    <span className="words">
      <span className="detail">{word}</span> <code className="excerpt">{text}</code>
    </span>
  );
}

function Where({ tool, at }: { readonly tool: string; readonly at: string }) {
  if (tool === '' && at === '') return null;
  return <span className="detail code excerpt">{[tool, at].filter((part) => part !== '').join(' · ')}</span>;
}
