// The choice is kept, so it comes before anything is fetched.
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
