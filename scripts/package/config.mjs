// electron-builder's configuration as a value: `npm run package` hands it over, and the tests check it by electron-builder's own schema.

/** Binaries and what is mapped into memory or loaded by path: no program but ours can look into an archive. */
const UNPACKED = ['native/build/Release/*.node', 'node_modules/@node-llama-cpp/**', 'node_modules/**/*.{node,so,so.*,dylib,dll,wasm}', 'node_modules/@foundry-rs/anvil-*/bin/*', 'resources/models/*.{gguf,json}'];

/** Of llama.cpp's libraries those that the target runs: all of them would be most of the app. */
const LIBRARIES = ['linux-x64', 'linux-arm64', 'linux-armv7l', 'linux-riscv64', 'mac-x64', 'mac-arm64', 'win-x64', 'win-arm64'];
const KEPT = { linux: ['linux-x64'], darwin: ['mac-x64', 'mac-arm64'], win32: ['win-x64'] };
const withoutOthers = (platform) => LIBRARIES.filter((name) => !KEPT[platform].includes(name)).map((name) => `!node_modules/@node-llama-cpp/${name}*/**`);

/** On Linux nothing but TLS says whose the feed is: what it names is run. */
function feedUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '') throw new Error(`the feed of updates must be an https address without a password, not ${text}`);
  return url.href;
}

/**
 * @param {{ platform?: 'linux' | 'darwin' | 'win32', updates?: string }} [options] `updates`: where the app looks for newer versions of itself; nowhere when absent
 * @returns electron-builder's `Configuration`
 */
export const packageConfig = ({ platform = process.platform, updates } = {}) => ({
  appId: 'app.omninode.desktop',
  productName: 'OmniNode',
  copyright: 'The OmniNode authors',
  directories: { output: 'release', buildResources: 'resources/package' },
  files: [
    'package.json', 'LICENSE*', 'out/main/**', 'out/preload/**', 'out/renderer/**', 'native/build/Release/*.node', 'resources/models/*.{gguf,json}', 'resources/contracts/*.json',
    // Sources, types and notes of the packages; bundles of the window hold what they need of theirs. viem's functions for test chains lie in folders called test, and its index needs them.
    '!node_modules/**/*.{d.ts,d.mts,d.cts,map,md,markdown,tsbuildinfo}', '!node_modules/!(viem)/**/{test,tests,__tests__,example,examples,docs}/**', '!node_modules/**/src/**/*.ts',
    // Of what reads PDFs only what takes text out of them; nothing is drawn.
    '!node_modules/pdfjs-dist/{build,web,wasm,iccs,image_decoders,standard_fonts}/**', '!node_modules/pdfjs-dist/legacy/{web,image_decoders}/**', '!node_modules/@napi-rs/canvas*/**',
    '!out/.stamp', ...withoutOthers(platform),
  ],
  asar: true,
  asarUnpack: UNPACKED,
  // Our addon is built by us, against Node's stable interface; nothing else is compiled.
  npmRebuild: false,
  nodeGypRebuild: false,
  electronLanguages: ['en-US', 'en'],
  protocols: [{ name: 'OmniNode', schemes: ['omni'] }],
  electronFuses: {
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  },
  publish: updates === undefined ? null : [{ provider: 'generic', url: feedUrl(updates) }],
  mac: {
    category: 'public.app-category.developer-tools',
    target: [{ target: 'dmg', arch: ['universal'] }, { target: 'zip', arch: ['universal'] }],
    hardenedRuntime: true,
    gatekeeperAssess: false,
    entitlements: 'resources/package/entitlements.mac.plist',
    entitlementsInherit: 'resources/package/entitlements.mac.plist',
    // Each architecture brings libraries that the other does not have.
    x64ArchFiles: '**/{mac-x64,mac-arm64-metal}/**',
    minimumSystemVersion: '13.0',
    extendInfo: { NSLocalNetworkUsageDescription: 'OmniNode looks for your other machines on this network.', NSBonjourServices: ['_p2p._udp'] },
  },
  win: { target: [{ target: 'nsis', arch: ['x64'] }] },
  nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true, deleteAppDataOnUninstall: false },
  linux: {
    target: [{ target: 'AppImage', arch: ['x64'] }, { target: 'deb', arch: ['x64'] }],
    category: 'Network', synopsis: 'Runs one LLM across several machines', maintainer: 'The OmniNode authors <maintainers@omninode.invalid>',
    // One binary name on every system.
    executableName: 'omninode',
  },
});
