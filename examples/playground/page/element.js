/** Builds an element. Text goes in as text, never as markup: much of it comes out of tokens and answers. */
export function element(name, attributes = {}, ...children) {
  const built = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) built.setAttribute(key, '');
    else if (value !== false && value !== undefined) built.setAttribute(key, value);
  }
  built.append(...children);
  return built;
}

export function byId(id) {
  return document.querySelector(`#${id}`);
}
