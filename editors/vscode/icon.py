"""Draw the extension's icon, code with its middle filled in: `python editors/vscode/icon.py`. Needs Pillow."""

from pathlib import Path

from PIL import Image, ImageDraw

SIDE, FINER = 256, 4  # drawn four times as large, then made smooth
GROUND, CODE, GHOST, CURSOR = "#1f2733", "#d8dee9", "#6f819c", "#ffc857"
BARS = [  # left, top, right, colour
    (44, 68, 148, CODE),
    (44, 116, 92, CODE),
    (110, 116, 178, GHOST),
    (192, 116, 212, CODE),
    (44, 164, 126, CODE),
]


def draw() -> Image.Image:
    image = Image.new("RGBA", (SIDE * FINER, SIDE * FINER))
    pen = ImageDraw.Draw(image)

    def box(left: int, top: int, right: int, bottom: int, radius: int, colour: str) -> None:
        pen.rounded_rectangle([FINER * side for side in (left, top, right, bottom)], FINER * radius, fill=colour)

    box(0, 0, SIDE, SIDE, 52, GROUND)
    for left, top, right, colour in BARS:
        box(left, top, right, top + 24, 12, colour)
    box(98, 106, 104, 150, 3, CURSOR)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("media") / "icon.png", optimize=True)
