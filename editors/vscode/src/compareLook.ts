/** Style and script of the comparison's page; colours are the theme's. */

export const STYLE = `
body { padding: 12px 16px; color: var(--vscode-foreground); font: var(--vscode-font-size) var(--vscode-font-family); }
header { display: flex; gap: 12px; align-items: start; justify-content: space-between; }
header p { margin: 2px 0 12px; line-height: 1.5; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 12px; }
footer { margin-top: 12px; color: var(--vscode-descriptionForeground); line-height: 1.5; }
.side { min-width: 0; padding: 10px 12px; border: 1px solid var(--vscode-widget-border, var(--vscode-panel-border)); border-radius: 4px; }
.taken { border-color: var(--vscode-focusBorder); }
h2 { margin: 0; font-size: 1.1em; font-weight: 600; }
.badge { padding: 1px 7px; border-radius: 9px; font-size: 0.8em; font-weight: normal; vertical-align: 1px;
  color: var(--vscode-badge-foreground); background: var(--vscode-badge-background); }
.facts { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; margin: 6px 0; color: var(--vscode-descriptionForeground); }
.facts b { color: var(--vscode-foreground); font-size: 1.5em; font-weight: 600; }
pre { margin: 8px 0; padding: 8px; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 3px; tab-size: 4; line-height: 1.45;
  color: var(--vscode-editor-foreground); border: 1px solid var(--vscode-widget-border, var(--vscode-panel-border));
  font-family: var(--vscode-editor-font-family); font-size: calc(0.9 * var(--vscode-editor-font-size)); }
ins { text-decoration: none; font-style: italic; background: var(--vscode-diffEditor-insertedTextBackground); }
.cursor { border-left: 2px solid var(--vscode-editorCursor-foreground); }
button { padding: 4px 10px; border: none; border-radius: 2px; cursor: pointer; font: inherit; white-space: nowrap;
  color: var(--vscode-button-foreground); background: var(--vscode-button-background); }
button:hover { background: var(--vscode-button-hoverBackground); }
button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
button.quiet { color: var(--vscode-button-secondaryForeground); background: var(--vscode-button-secondaryBackground); }
button.quiet:hover { background: var(--vscode-button-secondaryHoverBackground); }
kbd { margin-left: 4px; opacity: 0.7; font-family: inherit; font-size: 0.85em; }
.verdict { display: flex; align-items: center; gap: 12px; margin: 0; color: var(--vscode-descriptionForeground); }
.error { color: var(--vscode-errorForeground); }
figure { margin: 12px 0 0; }
svg { display: block; width: 100%; height: 10px; margin: 3px 0; background: var(--vscode-editorWidget-background); }
figure ul { display: flex; flex-wrap: wrap; gap: 0 12px; margin: 0; padding: 0; list-style: none; }
figure li::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 5px; background: var(--stage); }
figure li, .tokens { font-size: 0.9em; }
.tokens { margin: 1px 0 0; color: var(--vscode-descriptionForeground); }
.read { --stage: var(--vscode-charts-blue); }
.write { --stage: var(--vscode-charts-purple); }
.fit { --stage: var(--vscode-charts-green); }
.rest { --stage: var(--vscode-descriptionForeground); }
rect { fill: var(--stage); }
`;

export const SCRIPT = `
const editor = acquireVsCodeApi();
for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => editor.postMessage(JSON.parse(button.dataset.say)));
}
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") editor.postMessage({ close: true });
  document.querySelector('[data-key="' + CSS.escape(key) + '"]')?.click();
});
`;
