// The stored theme is applied before anything is fetched, so that the page does not flicker.
const select = document.querySelector('#theme');
const kept = localStorage.getItem('theme');

if ([...select.options].some((option) => option.value === kept)) select.value = kept;
apply();
select.addEventListener('change', () => {
  localStorage.setItem('theme', select.value);
  apply();
});

function apply() {
  document.documentElement.style.colorScheme = select.value;
}
