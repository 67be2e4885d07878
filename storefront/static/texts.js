// What the page says, in each language, and which one is spoken.

const TEXTS = {
  en: {
    skip: "Skip to the clothes",
    title: "Find it by a photo",
    lead: "Show us a look that you like. We find the clothes in your photo, and what comes closest in this shop.",
    choose: "Choose a photo",
    take: "Take a photo",
    dropHint: "or drop one here, or paste it",
    dropping: "Let go to search with this photo",
    privacy: "Your photo is made smaller before it leaves your device, and it is not stored.",
    yourPhoto: "Your photo",
    garments: "Clothes in your photo",
    whole: "We are not sure about the clothes in this photo, so we looked for what is like the picture as a whole.",
    another: "Another photo",
    retry: "Try again",
    fromTheShop: "From the shop",
    like: (kind) => `Like the ${kind.toLowerCase()}`,
    likeWhole: "Like your photo",
    likeItem: (title) => `More like “${title}”`,
    nearest: (count) => (count === 1 ? "1 piece" : `The ${count} nearest pieces`),
    pieces: (count) => (count === 1 ? "1 piece" : `${count} pieces`),
    perhaps: (kind) => `${kind}, perhaps`,
    back: (where) => `Back to ${where}`,
    backToShop: "the shop",
    backToPhoto: "your photo",
    filter: "Filter",
    category: "Kind",
    allCategories: "All kinds",
    gender: "For",
    everyone: "Everyone",
    women: "Women",
    men: "Men",
    price: "Price",
    priceMin: "Lowest price",
    priceMax: "Highest price",
    from: "from",
    to: "to",
    inStock: "In stock",
    clear: "Clear",
    clearFilters: "Clear the filters",
    more: "Show more",
    moreLikeThis: "More like this",
    moreLike: (title) => `More like this: ${title}`,
    newTab: "opens in a new tab",
    salePrice: "Sale price",
    originalPrice: "Original price",
    soldOut: "Sold out",
    untitled: "Without a name",
    docs: "For developers: the API",
    reading: "Opening your photo …",
    searching: "Looking for the clothes in your photo …",
    loading: "One moment …",
    found: (pieces, garments) =>
      `${garments === 1 ? "1 piece of clothing" : `${garments} pieces of clothing`} found in your photo. ${pieces}`,
    foundWhole: (pieces) => `Looked for what is like your photo as a whole. ${pieces}`,
    nothing: "We have nothing like this.",
    nothingFiltered: "Nothing like this meets your filters.",
    nothingInShop: "The shop has no clothes yet.",
    notPhoto: "This file is no photo that we can open. JPEG, PNG and WebP work.",
    tooLarge: "This photo is too large for us. A smaller one will do.",
    tooOften: (seconds) => `That was a lot of searches in a short time. Please wait ${seconds} seconds.`,
    away: "The shop’s search is away for a moment. Please try again soon.",
    offline: "The shop cannot be reached. Is your device online?",
    gone: "This piece is no longer in the shop.",
    wrong: "Something went wrong on our side. Please try again.",
    badRange: "The lowest price is above the highest.",
    other: "中文",
    kinds: {
      top: "Top", outer: "Jacket", dress: "Dress", pants: "Trousers", skirt: "Skirt", leggings: "Leggings",
      footwear: "Shoes", bag: "Bag", headwear: "Hat", eyewear: "Glasses", neckwear: "Scarf or tie", belt: "Belt",
    },
  },
  "zh-Hant": {
    skip: "跳到商品",
    title: "用照片找衣服",
    lead: "給我們看看您喜歡的穿搭，我們會找出照片裡的衣服，以及本店最相近的商品。",
    choose: "選擇照片",
    take: "拍照",
    dropHint: "也可以拖曳到這裡，或直接貼上",
    dropping: "放開即可用這張照片搜尋",
    privacy: "照片會先在您的裝置上縮小再傳送，我們不會儲存。",
    yourPhoto: "您的照片",
    garments: "照片裡的衣服",
    whole: "我們不確定這張照片裡有哪些衣服，所以用整張照片來找相似的商品。",
    another: "換一張照片",
    retry: "再試一次",
    fromTheShop: "店內商品",
    like: (kind) => `與${kind}相似`,
    likeWhole: "與照片相似",
    likeItem: (title) => `與「${title}」相似`,
    nearest: (count) => `最相近的 ${count} 件`,
    pieces: (count) => `${count} 件商品`,
    perhaps: (kind) => `也可能是${kind}`,
    back: (where) => `回到${where}`,
    backToShop: "店內商品",
    backToPhoto: "您的照片",
    filter: "篩選",
    category: "種類",
    allCategories: "所有種類",
    gender: "適合",
    everyone: "不限",
    women: "女裝",
    men: "男裝",
    price: "價格",
    priceMin: "最低價格",
    priceMax: "最高價格",
    from: "最低",
    to: "最高",
    inStock: "有庫存",
    clear: "清除",
    clearFilters: "清除篩選條件",
    more: "顯示更多",
    moreLikeThis: "找相似",
    moreLike: (title) => `找相似：${title}`,
    newTab: "在新分頁開啟",
    salePrice: "特價",
    originalPrice: "原價",
    soldOut: "已售完",
    untitled: "未命名",
    docs: "開發者：API 說明",
    reading: "正在開啟照片…",
    searching: "正在尋找照片裡的衣服…",
    loading: "請稍候…",
    found: (pieces, garments) => `在照片裡找到 ${garments} 件衣服。${pieces}`,
    foundWhole: (pieces) => `已用整張照片尋找。${pieces}`,
    nothing: "抱歉，沒有找到相關的商品。",
    nothingFiltered: "沒有符合篩選條件的相似商品。",
    nothingInShop: "店裡還沒有商品。",
    notPhoto: "無法開啟這個檔案。請使用 JPEG、PNG 或 WebP 照片。",
    tooLarge: "照片太大了，請換一張小一點的。",
    tooOften: (seconds) => `短時間內搜尋太多次了，請等 ${seconds} 秒。`,
    away: "搜尋服務暫時無法使用，請稍後再試。",
    offline: "無法連線到本店。您的裝置有連上網路嗎？",
    gone: "這件商品已經下架了。",
    wrong: "我們這邊出了點問題，請再試一次。",
    badRange: "最低價格高於最高價格。",
    other: "English",
    kinds: {
      top: "上衣", outer: "外套", dress: "洋裝", pants: "褲子", skirt: "裙子", leggings: "內搭褲",
      footwear: "鞋子", bag: "包包", headwear: "帽子", eyewear: "眼鏡", neckwear: "圍巾或領帶", belt: "腰帶",
    },
  },
};
const KEPT = "storefront.language";

export let language = preferred();

/** The text for a key; where it depends on something, of that. */
export function t(key, ...values) {
  const text = TEXTS[language][key];
  return typeof text === "function" ? text(...values) : text;
}

/** A category's name: what the shop calls it itself, where we have no word for it. */
export function kind(category) {
  const known = TEXTS[language].kinds[category];
  return known ?? category.charAt(0).toUpperCase() + category.slice(1);
}

export function money(amount, currency) {
  const digits = Number.isInteger(amount) ? 0 : 2;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    if (currency) Object.assign(options, { style: "currency", currency });
    return new Intl.NumberFormat(language === "en" ? "en" : "zh-TW", options).format(amount);
  } catch {
    return `${amount.toFixed(digits)} ${currency}`; // no currency of ISO 4217
  }
}

export function switchLanguage() {
  language = other();
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A browser may forbid to keep anything: the language lasts as long as the page.
  }
}

export function other() {
  return language === "en" ? "zh-Hant" : "en";
}

/** Puts the language's texts into the page, wherever `data-t` asks for one. */
export function translate(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-alt]")) element.alt = t(element.dataset.tAlt);
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of root.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
}

function preferred() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // As in switchLanguage.
  }
  if (kept in TEXTS) return kept;
  const first = navigator.languages.find((one) => /^(zh|en)\b/i.test(one)) ?? "en";
  return /^zh/i.test(first) ? "zh-Hant" : "en";
}
