export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.className = "zoo-counter";
    const show = () => { button.textContent = `count is ${model.get("value")}`; };
    button.addEventListener("click", () => { model.set("value", model.get("value") + 1); model.save_changes(); });
    model.on("change:value", show);
    show();
    el.append(button);
  },
};
