// The kernel for plots of Panel and HoloViews, whose scripts look for it in `window.PyViz.kernels`.
//
// In JupyterLab the extension @pyviz/jupyterlab_pyviz puts it there, which needs more of JupyterLab than a page has.

import type { Kernel } from "@jupyterlab/services";

const TYPE = "application/vnd.holoviews_exec.v0+json";

/** What scripts of a plot ask of its kernel. */
interface PlotKernel {
  connectToComm(target: string, id?: string): Kernel.IComm & { active: boolean };
  registerCommTarget: Kernel.IKernelConnection["registerCommTarget"];
}

declare global {
  interface Window {
    PyViz?: { kernels?: Record<string, PlotKernel> };
  }
}

/** Let the plot that an output shows find its kernel, before its scripts run. */
export function connectPlot(kernel: Kernel.IKernelConnection, metadata: Readonly<Record<string, unknown>>): void {
  const { id } = (metadata[TYPE] ?? {}) as { id?: string };
  if (!id || !window.PyViz) return;
  (window.PyViz.kernels ??= {})[id] = {
    connectToComm: (target, comm) => Object.assign(kernel.createComm(target, comm), { active: true }),
    registerCommTarget: (target, callback) => kernel.registerCommTarget(target, callback),
  };
}
