import { useEffect, useRef, type ReactNode } from 'react';

interface SheetProps {
  readonly label: string;
  readonly className: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** What lies over the page until it is closed. The browser keeps focus in it, gives it back, and closes it by Escape. */
export function Sheet({ label, className, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element?.open === false) element.showModal();
    return () => element?.close();
  }, []);
  return (
    // The close of one that is gone comes late, and must not close the next. A press beside it closes it; whoever has only keys has Escape.
    <dialog ref={dialog} className={`sheet ${className}`} aria-label={label} onClose={() => { if (dialog.current !== null) onClose(); }} onKeyDown={(event) => { if (event.key === 'Escape') event.stopPropagation(); }} onPointerDown={(event) => { if (event.target === event.currentTarget) onClose(); }}>
      {children}
    </dialog>
  );
}
