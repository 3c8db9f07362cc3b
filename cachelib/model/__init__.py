"""The model: what happens to requests in a design, what it costs, and what that means for a case.

Rooms, each importing only from those before it: schema, tiers, platforms, traffic, case, engines,
formulas, money, judgement.
"""
