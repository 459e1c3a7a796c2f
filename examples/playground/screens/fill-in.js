// The demo people's names and passwords, typed by one press. Without this script they are simply there to be read.
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
