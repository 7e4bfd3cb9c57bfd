import type { DesktopChange } from '../../../src-preload/bridge/index.ts';
import { useTexts } from '../../language/index.ts';
import { useApp } from '../../stores/context.ts';
import { useCommand } from '../../stores/use-command.ts';
import { useReply } from '../../stores/use-reply.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';

/** How the app lives on its desktop; nothing on a host without one. Each switch counts at once. */
export function DesktopSettings() {
  const { client } = useApp();
  const { shell: texts } = useTexts();
  const { value: desktop, set: setDesktop } = useReply('desktop.get');
  const { error, run } = useCommand();
  if (desktop === undefined) return null;
  // Shown at once, and as it was where the system does not take it.
  const set = async (change: DesktopChange): Promise<void> => {
    setDesktop({ ...desktop, ...change });
    if (!await run(() => client.call('desktop.set', change).then(setDesktop))) setDesktop(desktop);
  };
  return (
    <section aria-labelledby="window-title">
      <h3 id="window-title">{texts.window}</h3>
      <Toggle id="open-at-login" label={texts.openAtLogin} help={desktop.canOpenAtLogin ? texts.openAtLoginHelp : texts.cannotOpenAtLogin} isOn={desktop.openAtLogin} isOffered={desktop.canOpenAtLogin} onChange={(openAtLogin) => void set({ openAtLogin })} />
      <Toggle id="close-to-tray" label={texts.closeToTray} help={desktop.hasTray ? texts.closeToTrayHelp : texts.noTray} isOn={desktop.closeToTray} isOffered={desktop.hasTray} onChange={(closeToTray) => void set({ closeToTray })} />
      <Toggle id="notifications" label={texts.notifications} help={texts.notificationsHelp} isOn={desktop.notifications} isOffered onChange={(notifications) => void set({ notifications })} />
      {error !== undefined && <ErrorCard error={error} />}
    </section>
  );
}

interface ToggleProps {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  readonly isOn: boolean;
  readonly isOffered: boolean;
  readonly onChange: (isOn: boolean) => void;
}

const Toggle = ({ id, label, help, isOn, isOffered, onChange }: ToggleProps) => (
  <div className="setting">
    <label htmlFor={id}>{label}</label>
    <p id={`${id}-help`}>{help}</p>
    <input id={id} type="checkbox" role="switch" className="switch" aria-describedby={`${id}-help`} checked={isOn} disabled={!isOffered} onChange={(event) => onChange(event.target.checked)} />
  </div>
);
