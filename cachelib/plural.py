"""A word in the number in which there are of what it names."""


def plural(number: float, one: str, many: str = "") -> str:
    """`file` of one, `files` of any other number; `many` where that is not made with an s."""
    return one if number == 1 else many or f"{one}s"


def none_of_its(number: int, thing: str) -> str:
    """`none of its 3 lines is`, `its only line is not`: what comes next they are not."""
    return f"its only {thing} is not" if number == 1 else f"none of its {number} {thing}s is"


def ordinal(nth: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, … `11th`, … `21st`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(nth % 10, "th") if nth // 10 % 10 != 1 else "th"
    return f"{nth}{ending}"
