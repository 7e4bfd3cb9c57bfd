const PATHS = {
  send: 'M4 12h14M12 5.5 18.5 12 12 18.5',
  stop: 'M7 7h10v10H7z',
  retry: 'M19 12a7 7 0 1 1-2.1-5M19 4v4h-4',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  done: 'M5 12.5 10 17.5 19 7.5',
  lock: 'M6.5 11h11v8h-11zM9 11V8a3 3 0 0 1 6 0v3',
  eye: 'M3 12c3-5.5 15-5.5 18 0-3 5.5-15 5.5-18 0zM12 9.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z',
  warning: 'M12 4 21 19.5H3zM12 10v4.5M12 17v.2',
  fresh: 'M12 5v14M5 12h14',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill={name === 'stop' ? 'currentColor' : 'none'} />
    </svg>
  );
}
