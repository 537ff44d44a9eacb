/** The page before its script fills it, and its icon. */

export const PAGE_HTML: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>typetun</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
<script type="module" src="/page/main.js"></script>
</head>
<body>
<noscript>This page needs JavaScript. The same is shown by "typetun top".</noscript>
</body>
</html>
`;

/** A tunnel. */
export const PAGE_ICON: string = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#2f6fed"/>
<path d="M7 24v-7a9 9 0 0 1 18 0v7" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/>
<path d="M13 24v-6a3 3 0 0 1 6 0v6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity=".65"/>
</svg>
`;
