/** Builds an element. Text is never interpreted as markup, because much of it comes from tokens and responses. */
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
