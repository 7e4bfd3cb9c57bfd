/** Three nodes on a line, the middle one lit: a stage at work. */
export const Logo = () => (
  <svg className="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <rect width="32" height="32" rx="8" className="logo-ground" />
    <path d="M9 16h14" className="logo-line" />
    <circle cx="8" cy="16" r="3" className="logo-node" />
    <circle cx="16" cy="16" r="4" className="logo-lit" />
    <circle cx="24" cy="16" r="3" className="logo-node" />
  </svg>
);
