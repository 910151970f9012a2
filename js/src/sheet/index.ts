// The calibration sheet: what a browser draws by its own lights, one primitive beside the other, and which of that a
// page shows. Built into one expression, which is evaluated in a page and leaves nothing behind.

export { draw } from "./draw";
export { usesIn } from "./uses";
