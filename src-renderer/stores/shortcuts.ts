import type { Texts } from '../language/index.ts';

export interface Shortcut {
  /** Each a combination; any of them does. */
  readonly keys: ReadonlyArray<readonly string[]>;
  readonly what: (texts: Texts['palette']) => string;
}

const MAC = /mac|iphone|ipad/i.test(globalThis.navigator?.platform ?? '');
const CONTROL = MAC ? '⌘' : 'Ctrl';
const ALT = MAC ? '⌥' : 'Alt';

/** Every key that the page listens to. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: [[CONTROL, 'K']], what: (texts) => texts.keyPalette },
  { keys: [['?'], [CONTROL, '/']], what: (texts) => texts.keySheet },
  { keys: [[ALT, '1…7']], what: (texts) => texts.keyPlaces },
  { keys: [[ALT, 'N']], what: (texts) => texts.keyNewChat },
  { keys: [['Enter']], what: (texts) => texts.keySend },
  { keys: [['Shift', 'Enter']], what: (texts) => texts.keyLine },
  { keys: [['Esc']], what: (texts) => texts.keyEscape },
  { keys: [['Tab']], what: (texts) => texts.keyTab },
];

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey'>;

/** What of the page's own keys was pressed. `isWriting`: in a field, where a plain key is a letter. */
export function shortcutOf(event: Pressed, isWriting: boolean): 'palette' | 'shortcuts' | 'new-chat' | undefined {
  const { key, code, altKey, shiftKey } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && altKey) return undefined;
  if (isCommand) return key === '/' ? 'shortcuts' : key.toLowerCase() === 'k' && !shiftKey ? 'palette' : undefined;
  if (altKey) return code === 'KeyN' ? 'new-chat' : undefined;
  return key === '?' && !isWriting ? 'shortcuts' : undefined;
}

/** Whether keys write into this element. */
export const isWritingIn = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
