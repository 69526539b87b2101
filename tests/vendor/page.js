// What a vendor's page may want of the element: its screen in the page's own address, and to hear what happens.

const element = document.querySelector("matricula-automations");
const root = document.documentElement;

if (location.hash.length > 1) element.screen = location.hash.slice(1);
element.addEventListener("screen", ({ detail }) => history.replaceState(null, "", `#${detail.path}`));
addEventListener("hashchange", () => (element.screen = location.hash.slice(1)));

// On a phone the settings are a row that scrolls.
document.querySelector(".side [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });

const toast = document.querySelector(".toast");
const said = {
  "automation-started": { en: "An automation has been started.", de: "Eine Automation wurde gestartet." },
  "automation-deactivated": { en: "An automation has been deactivated.", de: "Eine Automation wurde deaktiviert." },
};
for (const [name, sentence] of Object.entries(said)) {
  element.addEventListener(name, () => {
    toast.textContent = sentence[root.lang] ?? sentence.en;
    toast.hidden = false;
    setTimeout(() => (toast.hidden = true), 4000);
  });
}

const scheme = document.querySelector(".scheme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
if (root.dataset.theme === "auto") root.dataset.theme = dark ? "dark" : "light";
const show = () => scheme.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
scheme.addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  show();
});
show();
