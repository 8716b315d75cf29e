-- One row is what an engine model implies for one element, the latest changed first. Read by dropdowns.py.
SELECT model.name, implied.elementid, implied.attributeid
FROM {schema}.enginemodel AS model
JOIN {schema}.enginemodelpattern AS implied ON implied.enginemodelid = model.id
WHERE implied.elementid = ANY(%(elements)s)
ORDER BY coalesce(implied.updatedon, implied.createdon) DESC NULLS FIRST, implied.id
