"""How keys are made alike: named recipes, as functions that expressions may use, too."""

from __future__ import annotations

TRACKING = (
    "(utm_[a-z]+|gclid|gbraid|wbraid|dclid|fbclid|msclkid|mc_cid|mc_eid|igshid|yclid|twclid|ttclid"
    "|li_fat_id|_ga|_gl)"
)
"""Parameters of a URL that follow its reader, and change nothing of the page."""

# In DuckDB's SQL; `url` is a path with parameters, or a whole URL.
FUNCTIONS: dict[str, tuple[str, str]] = {
    "http_method": ("r", "string_split(r, ' ')[1]"),
    # A request of three words is the rule, and cut for its method anyhow.
    "http_url": (
        "r",
        "CASE WHEN len(string_split(r, ' ')) = 3 AND starts_with(string_split(r, ' ')[3], 'HTTP/')"
        " THEN nullif(string_split(r, ' ')[2], '')"
        " ELSE nullif(split_part(substr(r, nullif(strpos(r, ' '), 0) + 1), ' HTTP/', 1), '') END",
    ),
    "host_of": ("url", "lower(regexp_extract(url, '^[a-zA-Z]+://([^/?#]*)', 1))"),
    "path_of": (
        "url",
        "regexp_replace(split_part(split_part(url, '?', 1), '#', 1), '^[a-zA-Z]+://[^/]*', '')",
    ),
    "parameters_of": ("url", "split_part(split_part(url, '#', 1), '?', 2)"),
    "with_parameters": (
        "url, p",
        "split_part(url, '?', 1) || CASE WHEN len(p) = 0 THEN ''"
        " ELSE '?' || array_to_string(p, '&') END",
    ),
    "lower_case_host": (
        "url",
        "CASE WHEN regexp_matches(url, '^[a-zA-Z]+://')"
        " THEN lower(regexp_extract(url, '^[a-zA-Z]+://[^/?#]*'))"
        " || regexp_replace(url, '^[a-zA-Z]+://[^/?#]*', '') ELSE url END",
    ),
    "no_parameters": ("url", "split_part(split_part(url, '?', 1), '#', 1)"),
    "sorted_parameters": (
        "url",
        "CASE WHEN strpos(url, '?') = 0 THEN url ELSE with_parameters(url,"
        " list_sort(string_split(parameters_of(url), '&'))) END",
    ),
    "no_tracking_parameters": (
        "url",
        "CASE WHEN strpos(url, '?') = 0 THEN url ELSE with_parameters(url,"
        " list_filter(string_split(parameters_of(url), '&'), lambda p: p <> '' AND NOT"
        f" regexp_matches(p, '^{TRACKING}(=|$)'))) END",
    ),
    "no_trailing_slash": (
        "url",
        "regexp_replace(url, '([^/])/+(\\?|#|$)', '\\1\\2')",
    ),
    "path_templates": (
        "url",
        "regexp_replace(regexp_replace(regexp_replace(url,"
        " '/[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}', '/:uuid',"
        " 'g'), '/[0-9]+(/|\\?|#|$)', '/:id\\1', 'g'), '/[0-9]+(/|\\?|#|$)', '/:id\\1', 'g')",
    ),
    "is_bot": (
        "agent",
        "regexp_matches(coalesce(agent, ''), '(?i)bot\\b|bot/|crawl|spider|slurp|facebookexternal"
        "hit|preview|monitor|uptime|pingdom|curl/|wget/|python-|go-http-client|headless')",
    ),
}
RECIPES = (
    "lower-case-host", "sorted-parameters", "no-tracking-parameters", "no-parameters",
    "path-templates", "no-trailing-slash",
)  # fmt: skip


def macros() -> list[str]:
    """The statements that make the functions."""
    return [f"CREATE MACRO {name}({args}) AS {sql}" for name, (args, sql) in FUNCTIONS.items()]


def applied(recipes: tuple[str, ...], key: str) -> str:
    """The key after the recipes, in their order."""
    for recipe in recipes:
        key = f"{recipe.replace('-', '_')}({key})"
    return key
