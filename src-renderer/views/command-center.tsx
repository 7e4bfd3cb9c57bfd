import { useEffect } from 'react';
import { useStore } from 'zustand';
import { useApp } from '../stores/context.ts';
import { desk } from '../stores/desk.ts';
import { isWritingIn, shortcutOf } from '../stores/shortcuts.ts';
import { Palette } from './palette.tsx';
import type { PlaceProps } from './places.tsx';
import { ShortcutSheet } from './shortcut-sheet.tsx';

/** The palette and the sheet of shortcuts, and the keys that open them. */
export function CommandCenter({ onGo }: PlaceProps) {
  const { chats } = useApp();
  const sheet = useStore(desk, (now) => now.sheet);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const pressed = shortcutOf(event, isWritingIn(event.target));
      if (pressed === undefined) return;
      event.preventDefault();
      if (pressed !== 'new-chat') return desk.setState({ sheet: desk.getState().sheet === pressed ? 'none' : pressed });
      desk.setState({ sheet: 'none' });
      void chats.select(undefined);
      onGo('chat');
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [chats, onGo]);
  const close = (): void => desk.setState({ sheet: 'none' });
  if (sheet === 'palette') return <Palette onGo={onGo} onClose={close} />;
  return sheet === 'shortcuts' ? <ShortcutSheet onClose={close} /> : null;
}
