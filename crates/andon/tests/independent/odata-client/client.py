"""An OData client that is not Andon's, at the simulated SAP.

usage: ANDON_SAP=<address> ANDON_SAP_PASSWORD=<password> python client.py

Each test is one conversation as programs hold it with SAP: everything that is sent is written, and everything that
is answered is read, by pyodata from the service's own $metadata. `make test` runs it against `andon simulate sap`.
"""

import datetime
import os
import unittest
import warnings

import pyodata
import requests
from pyodata.exceptions import HttpError
from pyodata.vendor.SAP import BusinessGatewayError

HttpError.VendorType = BusinessGatewayError

ADDRESS = os.environ["ANDON_SAP"]
USER = ("ANDON", os.environ["ANDON_SAP_PASSWORD"])
TIMEOUT_SECONDS = 20


class Session(requests.Session):
    """A session that keeps cookies and never waits for ever."""

    def __init__(self, auth=USER):
        super().__init__()
        self.auth = auth
        self.trust_env = False

    def request(self, *args, **kwargs):
        kwargs.setdefault("timeout", TIMEOUT_SECONDS)
        return super().request(*args, **kwargs)


def service(name, token=True):
    """The service with its metadata, and a token for changes unless told otherwise."""
    session = Session()
    url = f"{ADDRESS}/sap/opu/odata/sap/{name}/"
    if token:
        answer = session.head(url, headers={"X-CSRF-Token": "Fetch"})
        answer.raise_for_status()
        session.headers["X-CSRF-Token"] = answer.headers["X-CSRF-Token"]
    return pyodata.Client(url, session)


def notification(reference, text="Bearing hot", **more):
    return {
        "NotificationText": text,
        "NotificationType": "M1",
        "TechnicalObject": "210100094",
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
        "MaintNotifExtReferenceNumber": reference,
        **more,
    }


class Services(unittest.TestCase):
    """What every service must have before anything is sent to it."""

    NAMES = [
        "API_MAINTNOTIFICATION",
        "API_DEFECT_SRV",
        "API_CV_ATTACHMENT_SRV",
        "API_EHS_REPORT_INCIDENT_SRV",
        "API_PURCHASEREQ_PROCESS_SRV",
        "API_EQUIPMENT",
        "API_FUNCTIONALLOCATION",
        "ZSERVICE_PM_NOTIFICATION_SRV",
        "ZAPI_QUAL_NOTIFICATION_SRV",
    ]

    def test_metadata_of_every_service_is_a_model(self):
        for name in self.NAMES:
            with self.subTest(name):
                schema = service(name, token=False).schema
                self.assertTrue(list(schema.entity_sets))
                for entity_set in schema.entity_sets:
                    self.assertTrue(entity_set.entity_type.key_proprties, entity_set.name)
                for association in schema.association_sets:
                    for end in association.end_roles:
                        self.assertIsNotNone(schema.entity_set(end.entity_set_name), association.name)


class Notifications(unittest.TestCase):
    def setUp(self):
        self.service = service("API_MAINTNOTIFICATION")
        self.set = self.service.entity_sets.MaintenanceNotification

    def create(self, reference, text="Bearing hot", **more):
        return self.set.create_entity().set(**notification(reference, text, **more)).execute()

    def test_a_document_is_created_with_its_children(self):
        items = [{"MaintNotifItemText": "Outer race worn"}, {"MaintNotifItemText": "Grease dry"}]
        made = self.create("PY-DEEP", to_Item=items)
        self.assertRegex(made.MaintenanceNotification, r"^\d+$")
        self.assertEqual(len(made.to_Item), 2)
        read = self.set.get_entity(made.MaintenanceNotification).expand("to_Item").execute()
        self.assertEqual(read.NotificationText, "Bearing hot")
        self.assertEqual([item.MaintNotifItemText for item in read.to_Item], ["Outer race worn", "Grease dry"])
        below = read.nav("to_Item").get_entities().execute()
        self.assertEqual(len(below), 2)

    def test_times_come_as_the_metadata_says(self):
        made = self.create("PY-TIME")
        read = self.set.get_entity(made.MaintenanceNotification).execute()
        self.assertIsInstance(read.CreationDate, datetime.datetime)
        self.assertIsInstance(read.LastChangeDateTime, datetime.datetime)

    def test_a_list_is_filtered_sorted_cut_and_counted(self):
        for text in ["PY LIST C", "PY LIST A", "PY LIST B"]:
            self.create("PY-LIST", text)
        named = "MaintNotifExtReferenceNumber eq 'PY-LIST'"
        texts = lambda entities: [entity.NotificationText for entity in entities]
        sort = self.set.get_entities().filter(named).order_by("NotificationText desc")
        self.assertEqual(texts(sort.execute()), ["PY LIST C", "PY LIST B", "PY LIST A"])
        cut = self.set.get_entities().filter(named).order_by("NotificationText").skip(1).top(1).count(inline=True)
        cut = cut.execute()
        self.assertEqual((texts(cut), cut.total_count), (["PY LIST B"], 3))
        self.assertEqual(self.set.get_entities().filter(named).count().execute(), 3)
        chosen = self.set.get_entities().filter(named).select("MaintenanceNotification").execute()
        self.assertEqual(len(chosen), 3)
        part = self.set.get_entities().filter("substringof('LIST B',NotificationText)").execute()
        self.assertEqual(texts(part), ["PY LIST B"])
        both = self.set.get_entities()
        both = both.filter(MaintNotifExtReferenceNumber="PY-LIST", NotificationText__startswith="PY LIST A").execute()
        self.assertEqual(texts(both), ["PY LIST A"])
        self.assertEqual(self.set.get_entities().filter("NotificationText eq 'nothing'").execute(), [])

    def test_a_property_can_be_read_alone(self):
        made = self.create("PY-PROP", "One value")
        self.assertEqual(made.get_proprty("NotificationText").execute(), "One value")

    def change(self, number, tag, method="PATCH", **values):
        request = self.set.update_entity(number, method=method).set(**values)
        if tag is not None:
            request.add_headers({"If-Match": tag})
        return request.execute()

    def test_a_change_needs_the_version_in_force(self):
        number = self.create("PY-ETAG").MaintenanceNotification
        read = self.set.get_entity(number).execute()
        self.assertTrue(read.etag)
        self.change(number, read.etag, MaintPriority="1")
        with self.assertRaises(HttpError) as stale:
            self.change(number, read.etag, MaintPriority="2")
        self.assertEqual(stale.exception.response.status_code, 412)
        with self.assertRaises(HttpError) as bare:
            self.change(number, None, MaintPriority="2")
        self.assertEqual(bare.exception.response.status_code, 428)
        again = self.set.get_entity(number).execute()
        self.assertEqual(again.MaintPriority, "1")
        self.assertNotEqual(again.etag, read.etag)
        self.change(number, again.etag, method="MERGE", MaintPriority="3")
        self.assertEqual(self.set.get_entity(number).execute().MaintPriority, "3")

    def test_functions_are_called_by_their_metadata(self):
        number = self.create("PY-FUNC").MaintenanceNotification
        started = self.service.functions.SetMaintNotifToInProcess.parameter("MaintenanceNotification", number).execute()
        self.assertEqual(started.MaintenanceNotification, number)
        done = self.service.functions.CompleteMaintNotification.parameter("MaintenanceNotification", number)
        done.execute()
        with self.assertRaises(HttpError) as twice:
            done.execute()
        self.assertEqual(twice.exception.response.status_code, 400)

    def test_a_change_set_is_all_or_nothing(self):
        made = self.create("PY-BATCH-0")
        tag = self.set.get_entity(made.MaintenanceNotification).execute().etag
        update = self.set.update_entity(made.MaintenanceNotification).set(MaintPriority="1")
        update.add_headers({"If-Match": tag})
        create = self.set.create_entity().set(**notification("PY-BATCH-1"))
        created, nothing = self.batched([create, update])
        self.assertTrue(created.MaintenanceNotification)
        self.assertIsNone(nothing)

        good = self.set.create_entity().set(**notification("PY-BATCH-2"))
        bad = self.set.create_entity().set(**notification("PY-BATCH-3", "x" * 41))
        with self.assertRaises(HttpError) as refused:
            self.batched([good, bad])
        self.assertEqual(refused.exception.response.status_code, 400)
        for reference, count in [("PY-BATCH-1", 1), ("PY-BATCH-2", 0), ("PY-BATCH-3", 0)]:
            found = self.set.get_entities().filter(MaintNotifExtReferenceNumber=reference).execute()
            self.assertEqual(len(found), count, reference)

    def batched(self, requests_of_set):
        changeset = self.service.create_changeset()
        for request in requests_of_set:
            changeset.add_request(request)
        batch = self.service.create_batch()
        batch.add_request(changeset)
        return batch.execute()[0]

    def test_reads_and_changes_stand_in_one_batch(self):
        number = self.create("PY-MIX", "Mixed").MaintenanceNotification
        batch = self.service.create_batch()
        batch.add_request(self.set.get_entity(number))
        changeset = self.service.create_changeset()
        changeset.add_request(self.set.create_entity().set(**notification("PY-MIX-2")))
        batch.add_request(changeset)
        read, created = batch.execute()
        self.assertEqual(read.NotificationText, "Mixed")
        self.assertEqual(created[0].MaintNotifExtReferenceNumber, "PY-MIX-2")


class Errors(unittest.TestCase):
    def refused(self, request):
        with self.assertRaises(BusinessGatewayError) as caught:
            request.execute()
        return caught.exception

    def test_an_error_names_what_is_wrong(self):
        notifications = service("API_MAINTNOTIFICATION").entity_sets.MaintenanceNotification
        error = self.refused(notifications.create_entity().set(**notification("PY-LONG", "x" * 41)))
        self.assertEqual(error.response.status_code, 400)
        self.assertIn("NotificationText", str(error))
        defects = service("API_DEFECT_SRV").entity_sets.A_Defect
        error = self.refused(defects.create_entity().set(DefectText="Scratch PY-BARE"))
        self.assertEqual(error.response.status_code, 400)
        self.assertTrue(error.errordetails)
        missing = self.refused(notifications.get_entity("99999999"))
        self.assertEqual(missing.response.status_code, 404)
        self.assertNotIn("status code", str(missing), "SAP's own words, not pyodata's")

    def test_changes_need_the_token_of_the_session(self):
        notifications = service("API_MAINTNOTIFICATION", token=False).entity_sets.MaintenanceNotification
        error = self.refused(notifications.create_entity().set(**notification("PY-TOKEN")))
        self.assertEqual(error.response.status_code, 403)
        self.assertEqual(error.response.headers["x-csrf-token"], "Required")

    def test_strangers_stay_outside(self):
        with self.assertRaises(HttpError) as stranger:
            pyodata.Client(f"{ADDRESS}/sap/opu/odata/sap/API_DEFECT_SRV/", Session(("ANDON", "wrong")))
        self.assertEqual(stranger.exception.response.status_code, 401)


class OtherDocuments(unittest.TestCase):
    def test_a_requisition_with_its_item(self):
        purchasing = service("API_PURCHASEREQ_PROCESS_SRV")
        item = {
            "PurchaseRequisitionItem": "00010",
            "PurReqnExternalReference": "PY-PR",
            "PurchaseRequisitionItemText": "Granulate",
            "Material": "RM-100",
            "RequestedQuantity": "25.500",
            "BaseUnit": "TO",
            "Plant": "1010",
            "PurchasingGroup": "001",
        }
        headers = purchasing.entity_sets.A_PurchaseRequisitionHeader
        values = {"PurchaseRequisition": "", "PurchaseRequisitionType": "NB", "to_PurchaseReqnItem": [item]}
        made = headers.create_entity().set(**values).execute()
        found = purchasing.entity_sets.A_PurchaseRequisitionItem.get_entities()
        found = found.filter(PurReqnExternalReference="PY-PR").execute()
        self.assertEqual([one.PurchaseRequisition for one in found], [made.PurchaseRequisition])
        self.assertEqual(float(found[0].RequestedQuantity), 25.5)
        below = headers.get_entity(made.PurchaseRequisition).nav("to_PurchaseReqnItem").get_entities().execute()
        self.assertEqual(len(below), 1)

    def test_an_incident_has_a_guid(self):
        incidents = service("API_EHS_REPORT_INCIDENT_SRV").entity_sets.A_Incident
        values = {"IncidentTitle": "No helmet PY-EHS", "IncidentCategory": "002"}
        made = incidents.create_entity().set(**values).execute()
        found = incidents.get_entities().filter("substringof('PY-EHS',IncidentTitle)").execute()
        self.assertEqual([str(one.IncidentUUID) for one in found], [str(made.IncidentUUID)])
        read = incidents.get_entity(made.IncidentUUID).execute()
        self.assertEqual(read.IncidentTitle, "No helmet PY-EHS")

    def test_a_defect_whose_key_needs_escaping_has_an_attachment(self):
        defects = service("API_DEFECT_SRV").entity_sets.A_Defect
        values = {"DefectCategory": "06", "DefectText": "Scratch PY-DEFECT"}
        number = defects.create_entity().set(**values).execute().DefectInternalID
        self.assertTrue(number.startswith("$"))
        self.assertEqual(defects.get_entity(number).execute().DefectText, "Scratch PY-DEFECT")
        store = service("API_CV_ATTACHMENT_SRV")
        headers = {
            "Slug": "py.png",
            "Content-Type": "image/png",
            "Accept": "application/json",
            "BusinessObjectTypeName": "QFGEN",
            "LinkedSAPObjectKey": number,
        }
        sent = store.connection.post(f"{store.url}AttachmentContentSet", data=b"\x89PNG", headers=headers)
        self.assertEqual(sent.status_code, 201, sent.text)
        listing = store.functions.GetAllOriginals
        of = {"BusinessObjectTypeName": "QFGEN", "LinkedSAPObjectKey": number, "SemanticObject": ""}
        for name, value in of.items():
            listing = listing.parameter(name, value)
        self.assertEqual([one.FileName for one in listing.execute()], ["py.png"])

    def test_master_data_with_two_keys_and_a_day(self):
        equipment = service("API_EQUIPMENT", token=False).entity_sets.Equipment
        end = datetime.datetime(9999, 12, 31, tzinfo=datetime.timezone.utc)
        read = equipment.get_entity(Equipment="210100094", ValidityEndDate=end).execute()
        self.assertEqual(read.Equipment, "210100094")
        self.assertEqual(read.ValidityEndDate, end)


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()
