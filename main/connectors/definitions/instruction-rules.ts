/**
 * Phrases by which a definition speaks to the model in place of describing a tool. They are searched in the forms of
 * `folded-text.ts`: lower case, one line. Every gap is bounded, so that work grows with the text alone. Does not protect
 * against: what is said in other words. A phrase that honest servers use too is a notice.
 */
import type { DefinitionFinding } from '../../contract/definitions.ts';

export interface InstructionRule {
  readonly code: DefinitionFinding['code'];
  readonly weight: DefinitionFinding['weight'];
  readonly say: string;
  readonly patterns: readonly RegExp[];
}

const secretPlace =
  '(?:\\.ssh\\b|\\bid[ _](?:rsa|ed25519|ecdsa)\\b|\\.aws/|/etc/(?:passwd|shadow)|\\bmcp\\.json|\\.netrc\\b|\\.git-credentials|\\.npmrc\\b|\\.kube/|(?<![a-z0-9])\\.env\\b|\\.cursor/|claude desktop config|login keychain|/proc/self/|\\bwallet\\.dat)';
const handVerbs =
  'pass|send|include|put|provide|attach|append|add|forward|copy|insert|embed|supply|write|paste|encode|leak|upload|post|fill';
const hand = `(?:${handVerbs})`;
const talk =
  '(?:(?:conversation|chat|message|tool call|session) (?:history|context|log|transcript)|(?:system|initial|hidden|developer) prompt|previous (?:messages?|prompts?|conversation|tool results?)|(?:entire|whole|full|complete|current) (?:conversation|chat|context|prompt|transcript)|your (?:instructions|memory|reasoning|chain of thought)|chain of thought|available tools)';
const keys =
  '(?:credentials?|passwords?|passphrases?|api ?keys?|secrets?|access tokens?|private keys?|ssh keys?|environment variables|cookies|card numbers?)';
const ofExamples = '(?!example\\.(?:com|org|net)\\b|(?:[a-z0-9-]+\\.)*(?:example|test|invalid)\\b)';

/** Each means that nothing of the server is served before a person looked. */
export const instructionRules: readonly InstructionRule[] = [
  {
    code: 'instruction',
    weight: 'quarantine',
    say: 'It tells the model to set aside what it was told.',
    patterns: [
      /\b(?:ignore|disregard|forget|override|bypass|drop|discard|skip|supersede|(?:do not|don't|stop|never) (?:follow|obey|heed)(?:ing)?)\b.{0,40}\b(?:instructions?|prompts?|directives?|guidelines|guardrails?|system messages?)\b/,
      /\b(?:ignore|disregard|forget|override)\b.{0,20}\b(?:previous|prior|above|earlier|preceding|your|everything)\b.{0,30}\b(?:rules?|messages?|context|restrictions?|polic(?:y|ies)|told|said|before|above)\b/,
      /\b(?:ignore|disregard|forget|override)\b.{0,20}\b(?:rules?|messages?|context|restrictions?|polic(?:y|ies)|text) (?:above|before|so far|you (?:were|got|have))\b/,
      /\b(?:new|updated|revised|real|actual|true) (?:system )?(?:instructions?|directives?|system prompt) ?(?::|are\b|follow)/,
      /\b(?:ignoriere?|vergiss|missachte)\b.{0,40}\b(?:anweisung|vorgabe|instruktion)/,
      /\bignore[rz]?\b.{0,30}\b(?:instructions? pr[eé]c[eé]dentes|consignes)/,
      /\b(?:ignora|olvida|omite|dimentica)\b.{0,40}\b(?:instrucciones|istruzioni|indicaciones)/,
      /\b(?:ignore|esqueça|desconsidere)\b.{0,40}instruções/,
      /(?:игнорируй|забудь).{0,40}(?:инструкци|указани)/,
      /(?:忽略|无视|忘记|無視).{0,20}(?:指令|指示|提示|说明|命令)/,
      /(?:이전|앞의).{0,20}(?:지시|명령).{0,10}(?:무시|잊)/,
    ],
  },
  {
    code: 'instruction',
    weight: 'quarantine',
    say: 'It tells the model when to use a tool, ahead of what you ask for.',
    patterns: [
      /\b(?:before|prior to) (?:you )?(?:use|using|call|calling|invoke|invoking|run|running|execute|executing) (?:this|any|every|another|other|all|the other)(?: other| mcp)? (?:tools?|functions?)\b/,
      /\b(?:after|when|whenever|every time|each time|instead of)\b.{0,20}\b(?:use|using|call|calling|invok(?:e|ing)|run|running|execut(?:e|ing))\b.{0,8}\b(?:any|every|another|other|all)(?: other| mcp)? (?:tools?|functions?)\b/,
      /\b(?:this|the) (?:tool|function) (?:must|should|has to|needs to|is to) (?:always )?be (?:called|used|invoked|run|executed) (?:first|before|prior|at the (?:start|beginning)|for (?:every|each|any)|on every|instead)/,
      /\b(?:always|must|only) (?:call|use|invoke|run|execute|prefer) this (?:tool|function|one|server)\b.{0,20}\b(?:first|before|instead|rather|over|for (?:every|all|any|each)|on every|at the (?:start|beginning))/,
      /\b(?:instead of|rather than|in place of|over|never use|do not use|don't use|stop using|avoid) (?:using )?(?:any |all |the )?(?:other|another|competing|remaining)(?: mcp)? (?:tools?|functions?|servers?|connectors?)\b/,
      /\bother (?:tools?|functions?|servers?|connectors?) (?:are|is|have been|has been) (?:deprecated|broken|unsafe|insecure|outdated|disabled|compromised|forbidden)/,
      /\b(?:re-?direct|route|replace|rewrite|change|modify|override)\b.{0,40}\b(?:of|to|from|for|by) (?:the |any |all |every )?other (?:tools?|functions?|servers?)\b/,
    ],
  },
  {
    code: 'instruction',
    weight: 'quarantine',
    say: 'It speaks to the model as if it gave it orders.',
    patterns: [
      /\byou are (?:now|no longer|an? (?:ai|llm|assistant|language model|helpful))\b/,
      /\b(?:act|behave|respond|pretend|roleplay) as (?:if you|though you|an? (?:ai|dan|admin|root|unrestricted|different) )/,
      /\b(?:enter|enable|activate|switch (?:in)?to) (?:developer|god|admin|unrestricted|jailbreak|dan) mode\b/,
      /\b(?:as an|dear|attention,?|note to(?: the)?|message (?:to|for)(?: the)?|instructions? (?:to|for)(?: the)?|hey|hello,?) (?:ai|llm|language model|assistants?|model|claude|chatgpt|gpt|gemini|copilot)\b/,
      /\b(?:ai|llms?|language models?|(?:the|ai) assistants?|claude|chatgpt|copilot) (?:must|shall|should|has to|have to|is required to|are required to|needs? to)\b/,
      /\bwithout (?:asking|telling|consulting|involving|waiting for) (?:the |your )?(?:user|human|person|operator)\b/,
      /\b(?:do not|don't|never|no need to) (?:ask|wait|request|seek)\b.{0,20}\b(?:user|confirmation|consent|permission|approval)\b/,
      /\b(?:the )?user (?:has|have) (?:already )?(?:approved|consented|agreed|authori[sz]ed|given (?:permission|consent))\b/,
      /\b(?:this (?:is|comes) (?:a )?(?:from )?(?:the )?system (?:message|administrator|prompt))\b/,
      /\byou must (?:always |first |also |immediately |now )*(?:comply|obey|reply with|respond with|follow (?:these|this|the following))/,
    ],
  },
  {
    code: 'concealment',
    weight: 'quarantine',
    say: 'It asks the model to keep something from you.',
    patterns: [
      /\b(?:do not|don't|never|must not|should not|shouldn't|mustn't|cannot|without|avoid|no need to) (?:ever |also |explicitly |be )*(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing|ed)?|reveal(?:ing|ed)?|notify(?:ing)?|show(?:ing|n)?|disclos(?:e|ing|ed)|alert(?:ing)?|explain(?:ing|ed)?|warn(?:ing)?|report(?:ing|ed)?|let(?:ting)?)\b.{0,40}\b(?:the user|your user|human|person|anyone|operator)\b/,
      /\b(?:do not|don't|never) (?:mention|reveal|disclose|discuss|acknowledge|talk about) (?:this|that|these|it)\b/,
      /\b(?:user|human|person|operator) (?:must|should|need|does|do|will|can|shall)(?: not|n't)(?: need to)? (?:know|see|be (?:told|informed|aware|notified|shown)|notice|find out|learn)\b/,
      /\bkeep (?:this|it|that|these)\b.{0,20}\b(?:secret|hidden|private|confidential|between us|from the (?:user|human|person))/,
      /\b(?:secretly|covertly|surreptitiously|stealthily)\b/,
      /\b(?:silently|quietly) (?:send|forward|copy|upload|include|append|pass|call|execute|run|collect|add|attach|post)\b/,
      /\b(?:hide|conceal)\b.{0,30}\bfrom the (?:user|human|person|operator|log)/,
      /(?:不要|别|請勿|请勿).{0,10}(?:告诉|告訴|通知|提及).{0,6}(?:用户|用戶|使用者)/,
      /\bsag(?:e|en)?\b.{0,20}\bnutzer\b.{0,20}\bnicht/,
    ],
  },
  {
    code: 'exfiltration',
    weight: 'quarantine',
    say: 'It asks the model to hand over what the tool does not need.',
    patterns: [
      new RegExp(
        `\\b(?:read|open|cat|load|fetch|find|locate|${handVerbs}|contents? (?:of|from)|reading)\\b.{0,60}${secretPlace}`,
      ),
      new RegExp(`${secretPlace}.{0,60}\\b${hand}\\b`),
      new RegExp(`\\b${hand}\\b.{0,40}\\b${talk}\\b`),
      new RegExp(
        `\\b${hand}\\b.{0,20}\\b(?:all|any|every|the user's|the person's|their|found|saved|stored|the contents? of)(?: of (?:the|your))?(?: user'?s?| other| found| saved| stored| known| your)* ${keys}\\b`,
      ),
      /\b(?:read|open|cat|load)\b.{0,60}\b(?:pass|send|include|put|provide|attach|append|insert)\b.{0,60}\b(?:parameter|argument|side ?note|field)\b/,
      new RegExp(`\\b(?:bcc|cc|${handVerbs})\\b.{0,80}\\b[a-z0-9.+-]{1,64}@${ofExamples}[a-z0-9-]{1,63}\\.[a-z]{2,}`),
      new RegExp(`\\b(?:always|also|must|first|then|before)\\b.{0,30}\\b${hand}\\b.{0,80}\\bhttps?://`),
      /!\[[^\]]{0,80}\]\(https?:[^)]{0,200}[?&=]/,
    ],
  },
  {
    code: 'hidden_text',
    weight: 'quarantine',
    say: 'It holds text that is marked to be read by a model, or hidden where you would read it.',
    patterns: [
      /<!--|\[(?:\/\/|comment)\]: ?[#<("]/,
      /<\/?(?:important|critical|hidden|override|instructions?|system[- ](?:prompt|message|reminder)|secret[- ]instructions?|function[- ]calls?|tool[- ](?:call|use|result)s?)\b[^<>]{0,60}>/,
      /<\/(?:system|assistant|prompt|thinking|secret|admin|developer|user|human)\b[^<>]{0,60}>/,
      /< ?(?:im (?:start|end)|end ?of ?text|end ?of ?turn|start header id|begin of text|eot id|system|assistant) ?>(?=.)|<<sys>>|\[\/?inst\]/,
      /\b(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0|color ?: ?(?:white|transparent))\b|<(?:script|iframe|object|embed|style|svg|noscript|template)\b/,
    ],
  },
];

/** What honest servers say too. */
export const noticeRules: readonly InstructionRule[] = [
  {
    code: 'instruction',
    weight: 'notice',
    say: 'It tells the model what it must do.',
    patterns: [
      /\byou (?:must|should|shall|have to|need to|are required to)\b/,
      /\b(?:important|critical|mandatory) ?:/,
      /\balways (?:call|use|invoke|run)\b/,
    ],
  },
  {
    code: 'exfiltration',
    weight: 'notice',
    say: 'It names a place where secrets are kept.',
    patterns: [new RegExp(secretPlace)],
  },
  {
    code: 'address',
    weight: 'notice',
    say: 'It names an address.',
    patterns: [/\bhttps?:\/\/|\b[a-z0-9.+-]{1,64}@[a-z0-9-]{1,63}\.[a-z]{2,}/],
  },
];

/** In names of parameters, whose words a model reads as what to put there. */
export const nameRules: readonly InstructionRule[] = [
  {
    code: 'exfiltration',
    weight: 'quarantine',
    say: 'The parameter asks for what the tool does not need.',
    patterns: [
      new RegExp(
        `^(?:the )?(?:(?:full |whole )?(?:conversation|chat|tool call) (?:history|context|log|transcript)|system prompt|chain of thought|conversation|all tools|available tools|tools list|tool names)$`,
      ),
      new RegExp(
        `\\b(?:content|contents|text|output|result)\\b.{0,20}\\b(?:of|from|reading)\\b.{0,30}\\b(?:ssh|env|secret|secrets|credentials|passwords?|keys?|passwd|home)\\b`,
      ),
      /\b(?:ssh|aws|id) (?:rsa|ed25519|private key|credentials)(?: content| contents| text)?\b/,
    ],
  },
];

/** In the text as it stands, where line ends still are line ends. */
export const lineRules: readonly InstructionRule[] = [
  {
    code: 'hidden_text',
    weight: 'quarantine',
    say: 'It is set as if somebody else spoke to the model.',
    patterns: [
      /(?:\n[^\S\n]{0,40}#{0,6}|#)[^\S\n]{0,40}(?:system|assistant|developer|human|user)\s{0,3}(?:message|prompt|note|override)?\s{0,3}:/i,
    ],
  },
  {
    code: 'hidden_text',
    weight: 'quarantine',
    say: 'It pushes text out of sight with blank space.',
    patterns: [/(?:[^\S\n]{0,200}\n){12}|[^\S\n]{60}/],
  },
  {
    code: 'hidden_text',
    weight: 'quarantine',
    say: 'It spaces letters apart, as one does to hide words.',
    patterns: [/(?<![\p{L}\p{N}])(?:\p{L}[\s.\-_*]{1,2}){9}\p{L}(?![\p{L}\p{N}])/u],
  },
  {
    code: 'encoded_content',
    weight: 'quarantine',
    say: 'It holds encoded content that you cannot read.',
    patterns: [
      /\bdata:[a-z]{2,20}\/[a-z0-9.+-]{1,60}\s?[;,]/i,
      /\b(?:javascript|vbscript):/i,
      /(?=[A-Za-z0-9+/]{0,60}[a-z])(?=[A-Za-z0-9+/]{0,60}[A-Z])(?=[A-Za-z0-9+/]{0,60}\d)[A-Za-z0-9+/]{60,}={0,2}/,
      /(?:[0-9a-f]{2}[\s:]?){65,}/i,
      /(?:\\x[0-9a-f]{2}|\\u\{?[0-9a-f]{4}\}?|&#x?[0-9a-f]{2,6};|%[0-9a-f]{2}){8}/i,
    ],
  },
];
