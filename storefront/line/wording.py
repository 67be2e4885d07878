"""What the bot says. Shoppers read Traditional Chinese."""

from collections.abc import Sequence

from clothing_retrieval.v1.types_pb2 import Garment, Item

HELLO = "您好！傳一張穿搭照片給我，我會找出最相似的商品。也可以輸入「幫我找」，直接挑選想看的類別。"
HELP = "傳一張照片給我，我會找出照片裡衣服的相似商品；或輸入「幫我找」，挑選想看的類別。"
WHICH_KIND = "想找哪一種？"
NOTHING = "抱歉,沒有找到相關的商品"
UNREADABLE = "抱歉，這張照片讀不出來。請換一張 JPEG 或 PNG 照片再試一次。"
TOO_LARGE = "抱歉，這張照片太大了。請換一張小一點的照片再試一次。"
GONE = "抱歉，這張照片已經拿不到了。請再傳一次。"
BUSY = "現在使用的人比較多，請稍等一下再試一次。"
AWAY = "抱歉，系統暫時沒有回應，請稍後再試一次。"
TROUBLE = "抱歉，系統出了點問題，這次沒辦法回答您。"
SEE_ITEM = "看商品"
SOLD_OUT = "已售完"

_GARMENTS = {
    "top": "上衣",
    "outer": "外套",
    "dress": "洋裝",
    "pants": "褲子",
    "skirt": "裙子",
    "leggings": "內搭褲",
    "footwear": "鞋子",
    "bag": "包包",
    "headwear": "帽子",
    "eyewear": "眼鏡",
    "neckwear": "圍巾或領帶",
    "belt": "腰帶",
}


def garment_name(category: str) -> str:
    """A category of another parser stays as it is."""
    return _GARMENTS.get(category, category)


def found(garment: Garment) -> str:
    if not garment.category:
        return "照片裡沒有辨識出衣服，這是和整張照片最相似的商品："
    return f"這是和照片裡的{garment_name(garment.category)}最相似的商品："


def look_at(category: str) -> str:
    return f"看照片裡的{garment_name(category)}"


def of_kind(label: str) -> str:
    return f"為您挑選的{label}："


def listed(items: Sequence[Item]) -> str:
    """What stands for the pictures in a notification."""
    return f"{len(items)} 件商品：{'、'.join(item.title or item.id for item in items)}"


def money(amount: float, currency: str) -> str:
    digits = f"{amount:,.0f}" if amount == round(amount) else f"{amount:,.2f}"
    return f"NT${digits}" if currency == "TWD" else f"{digits} {currency}".strip()
