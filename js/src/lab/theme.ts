// The themes of the application: those that it brings, and those of installed extensions.

import type { Application } from "./application";

interface ThemeManager {
  readonly theme: string | null;
  readonly themes: readonly string[];
  setTheme(name: string): Promise<void>;
  readonly themeChanged: { connect(slot: () => void): unknown; disconnect(slot: () => void): unknown };
}

async function themeManager(app: Application): Promise<ThemeManager> {
  const registry = app.pluginRegistry;
  const token = [...(registry?._services?.keys() ?? [])].find(({ name }) => name === "@jupyterlab/apputils:IThemeManager");
  if (!token || !registry?.resolveRequiredService) throw new Error("this version of JupyterLab does not tell its themes");
  return (await registry.resolveRequiredService(token)) as ThemeManager;
}

/** Let the application have a theme, and wait until its styles are there. */
export async function chooseTheme(app: Application, name: string): Promise<void> {
  const manager = await themeManager(app);
  if (!manager.themes.includes(name)) throw new Error(`there is no theme '${name}', but ${manager.themes.join(", ")}`);
  if (document.body.dataset.jpThemeName === name) return;
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (document.body.dataset.jpThemeName !== name) return;
      manager.themeChanged.disconnect(look);
      resolve();
    };
    manager.themeChanged.connect(look);
    manager.setTheme(name).then(look, reject);
  });
}
