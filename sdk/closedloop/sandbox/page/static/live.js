// Keeps a page that says so fresh: fetches it again and puts its newer middle in place.
const box = document.querySelector("[data-live]");
if (box) {
  const again = async () => {
    if (box.checked && !document.hidden) {
      try {
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
        const [old, young] = [document.querySelector("[data-fresh]"), page.querySelector("[data-fresh]")];
        if (old && young && old.innerHTML !== young.innerHTML) old.innerHTML = young.innerHTML;
      } catch {
        box.checked = false;
      }
    }
    setTimeout(again, 2000);
  };
  setTimeout(again, 2000);
}
