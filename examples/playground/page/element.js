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

export function button(label, onClick, className) {
  const built = element('button', { type: 'button', class: className }, label);
  built.addEventListener('click', onClick);
  return built;
}

export function row(...buttons) {
  return element('div', { class: 'row' }, ...buttons);
}

/** A name with its value, in a `dl` of the class `facts`. */
export function fact(name, value) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
