// Fills in the name and password of a demo user. Without this script the user types them.
const name = document.querySelector('#name');
const password = document.querySelector('#password');
const submit = document.querySelector('.primary');

for (const button of document.querySelectorAll('[data-name]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    name.value = button.dataset.name;
    password.value = button.dataset.password;
    submit.focus();
  });
}
