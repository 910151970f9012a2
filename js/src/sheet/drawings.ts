// Primitives that scripts draw on a canvas.

type Draw = (context: CanvasRenderingContext2D) => void;

const on = (draw: Draw) => (canvas: HTMLCanvasElement) => {
  const context = canvas.getContext("2d");
  if (context) draw(context);
};

const paths: Draw = (c) => {
  c.fillStyle = "#36c";
  c.beginPath();
  c.arc(22, 22, 15.4, 0.3, 5);
  c.fill();
  c.strokeStyle = "#c33";
  c.lineWidth = 2.5;
  c.beginPath();
  c.moveTo(48.3, 8);
  c.bezierCurveTo(90, -10, 40, 60, 84, 40);
  c.stroke();
  c.setLineDash([6, 3]);
  c.lineWidth = 1;
  c.strokeRect(90.5, 6.5, 24, 30);
  c.setLineDash([]);
  c.lineJoin = "round";
  c.lineWidth = 6;
  c.beginPath();
  c.moveTo(10, 54);
  c.lineTo(40, 46);
  c.lineTo(60, 55);
  c.stroke();
  c.fillRect(70.3, 46.6, 40.5, 8.2);
};

const texts: Draw = (c) => {
  c.fillStyle = "#000";
  ["13px 'Noto Sans'", "italic 12px 'DejaVu Serif'", "bold 14px 'DejaVu Sans Mono'"].forEach((font, row) => {
    c.font = font;
    c.fillText("Canvas 0.25 gy", 3.3 + row * 0.4, 15 + row * 16);
  });
  c.save();
  c.translate(112, 54);
  c.rotate(-1.2);
  c.font = "10px 'Noto Sans'";
  c.fillText("turned", 0, 0);
  c.restore();
  c.strokeStyle = "#c33";
  c.strokeText("x", 100, 12);
};

const paints: Draw = (c) => {
  const across = c.createLinearGradient(4, 4, 50, 50);
  across.addColorStop(0, "#e33");
  across.addColorStop(1, "rgba(40,90,200,.4)");
  c.fillStyle = across;
  c.fillRect(4, 4, 46, 50);
  const round = c.createRadialGradient(84, 28, 4, 84, 28, 26);
  round.addColorStop(0, "#fff");
  round.addColorStop(0.6, "#fa0");
  round.addColorStop(1, "#036");
  c.fillStyle = round;
  c.fillRect(58, 4, 56, 50);
};

const effects: Draw = (c) => {
  c.shadowColor = "rgba(0,0,0,.6)";
  c.shadowBlur = 6;
  c.shadowOffsetY = 3;
  c.fillStyle = "#fc3";
  c.fillRect(10, 8, 26, 26);
  c.shadowColor = "transparent";
  c.globalAlpha = 0.45;
  c.fillStyle = "#36c";
  c.fillRect(24, 20, 40, 30);
  c.globalCompositeOperation = "multiply";
  c.beginPath();
  c.arc(62, 28, 18, 0, 7);
  c.fill();
  c.globalCompositeOperation = "source-over";
  c.globalAlpha = 1;
  c.filter = "blur(2px) saturate(1.5)";
  c.fillStyle = "#c33";
  c.fillRect(88, 14, 22, 30);
};

/** A picture of the canvas' own, scaled: one from a file would have to be waited for. */
const scaled: Draw = (c) => {
  const small = new OffscreenCanvas(16, 12);
  const inner = small.getContext("2d");
  if (!inner) return;
  for (let y = 0; y < 12; y++) {
    for (let x = 0; x < 16; x++) {
      inner.fillStyle = `rgb(${x * 16},${y * 20},${(x * y * 7) % 256})`;
      inner.fillRect(x, y, 1, 1);
    }
  }
  c.drawImage(small, 2, 2, 40, 33.5);
  c.imageSmoothingEnabled = false;
  c.drawImage(small, 46, 2, 37, 29);
  c.imageSmoothingEnabled = true;
  c.imageSmoothingQuality = "high";
  c.drawImage(small, 88.5, 4.5, 9, 7);
  c.rotate(0.2);
  c.drawImage(small, 60, 22, 40, 20);
};

const VERTEX = `attribute vec2 place; attribute vec3 colour; varying vec3 shade; uniform float turn;
void main() { float s = sin(turn), k = cos(turn); gl_Position = vec4(mat2(k, s, -s, k) * place, 0., 1.); gl_PointSize = 7.; shade = colour; }`;
const FRAGMENT = `precision highp float; varying vec3 shade; uniform sampler2D picture; uniform float textured;
void main() { vec3 light = normalize(vec3(shade.xy - .5, .8)); float s = pow(max(0., dot(light, normalize(vec3(.3, .5, .8)))), 3.7);
gl_FragColor = vec4(mix(shade * (.4 + .6 * s), texture2D(picture, shade.xy * 1.7).rgb, textured), 1.); }`;

function webgl(canvas: HTMLCanvasElement): void {
  const gl = canvas.getContext("webgl", { antialias: true, preserveDrawingBuffer: true });
  const program = gl?.createProgram();
  if (!gl || !program) return;
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  const corners = [-0.9, -0.8, 1, 0.2, 0.1, -0.1, 0.9, 0.1, 1, 0.2, -0.2, -0.7, 0.3, 0.2, 1];
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([...corners, ...corners.map((value, index) => (index % 5 === 0 ? value + 0.9 : value))]), gl.STATIC_DRAW);
  (["place", "colour"] as const).forEach((name, index) => {
    const where = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, index ? 3 : 2, gl.FLOAT, false, 20, index * 8);
  });
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const texels = new Uint8Array(8 * 8 * 4).map((_, index) => (index % 4 === 3 ? 255 : (index * 37) % 256));
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 8, 8, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  gl.generateMipmap(gl.TEXTURE_2D);
  const turn = gl.getUniformLocation(program, "turn");
  const textured = gl.getUniformLocation(program, "textured");
  gl.clearColor(0.97, 0.98, 1, 1);
  gl.clear(gl.COLOR_BUFFER_BIT);
  gl.uniform1f(textured, 0);
  gl.uniform1f(turn, 0.1);
  gl.drawArrays(gl.TRIANGLES, 0, 3);
  gl.uniform1f(textured, 1);
  gl.drawArrays(gl.TRIANGLES, 3, 3);
  gl.uniform1f(textured, 0);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.SRC_COLOR, gl.ONE_MINUS_SRC_COLOR);
  gl.uniform1f(turn, 0.6);
  gl.drawArrays(gl.LINE_LOOP, 0, 3);
  gl.drawArrays(gl.POINTS, 3, 3);
  gl.finish();
}

export const DRAWINGS: Record<string, (canvas: HTMLCanvasElement) => void> = {
  "canvas/paths": on(paths),
  "canvas/text": on(texts),
  "canvas/paints": on(paints),
  "canvas/effects": on(effects),
  "canvas/images": on(scaled),
  "webgl/shading": webgl,
};

