// Makes a part of the page like a fresh one from the server by changing only what differs: the focus, what is unfolded, a selection and
// the place of a screen reader stay.

const READERS_OWN = new Set(["open"]); // what the reader unfolded

/** Change the children of `old` into those of `fresh`. */
export function morph(old, fresh) {
  const [was, will] = [[...old.childNodes], [...fresh.childNodes]];
  will.forEach((node, index) => (was[index] ? one(was[index], node) : old.append(node)));
  was.slice(will.length).forEach((node) => node.remove());
}

function one(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else {
    attributes(old, fresh);
    morph(old, fresh);
  }
}

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !READERS_OWN.has(name)) old.removeAttribute(name);
  }
}
