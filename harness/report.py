EVIDENCE="evidence"
def render(parts, sightings):
    return {"report.md": "x\n"}
