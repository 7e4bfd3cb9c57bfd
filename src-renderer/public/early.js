// Before the first frame: how this page looked last. A host that serves over HTTP has written it into <html> already.
(() => {
  const root = document.documentElement;
  if (root.dataset.theme !== undefined) return;
  try {
    const { theme, density, textSize } = JSON.parse(localStorage.getItem('omninode.looks') ?? '{}');
    for (const [name, value] of Object.entries({ theme, density, textSize })) if (/^[a-z]{1,20}$/.test(value ?? '')) root.dataset[name] = value;
  } catch {
    // Looks that cannot be read are the system's.
  }
})();
