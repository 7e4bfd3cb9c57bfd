import { useTexts } from '../../language/index.ts';
import { ShortcutList } from '../shortcut-sheet.tsx';

/** Where to begin, what the words mean, whom to ask. */
export function HelpSection() {
  const { help } = useTexts();
  const words = [
    [help.node, help.nodeText], [help.peer, help.peerText], [help.layer, help.layerText], [help.stage, help.stageText], [help.hidden, help.hiddenText],
    [help.token, help.tokenText], [help.zone, help.zoneText], [help.relay, help.relayText], [help.failover, help.failoverText],
  ];
  return (
    <div className="help">
      <p className="setup-intro">{help.intro}</p>
      <h3>{help.firstSteps}</h3>
      <ol>{[help.step1, help.step2, help.step3, help.step4].map((step) => <li key={step}>{step}</li>)}</ol>
      <h3>{help.words}</h3>
      <dl className="words">{words.map(([word, text]) => <div key={word}><dt>{word}</dt><dd>{text}</dd></div>)}</dl>
      <h3>{help.trouble}</h3>
      <ul>{[help.doctor, help.netDoctor, help.collect].map((text) => <li key={text}>{text}</li>)}</ul>
      <h3>{help.keys}</h3>
      <ShortcutList />
    </div>
  );
}
