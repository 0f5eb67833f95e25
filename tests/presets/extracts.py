"""Artificial extracts of the real layout: headers as published, made-up rows.

Headers of MHSDS, IAPT and CSDS: NHS England, Technical Output Specifications (the columns that the
national extracts of each table have, in their order). HES: NHS England, HES Data Dictionary. SSDA903 and
children in need: Department for Education, collection guides. Client-level data: Department of Health
and Social Care, specification. Nobody in these files exists: NHS numbers are of the 999 test range.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.sources import Accepted, TableFile, preset
from pophealth_link.sources.reading import load

TABLES = {"people": PEOPLE, "dwellings": DWELLINGS, **EVENT_TABLES}

HEADERS = {
    "MHS001MPI": "LocalPatientId OrgIDLocalPatientId OrgIDResidenceResp OrgIDEduEstab NHSNumber NHSNumberStatus "
    "PersonBirthDate Postcode GenderIDCode GenderSameAtBirth Gender MaritalStatus EthnicCategory EthnicCategory2021 "
    "LanguageCodePreferred PersDeathDate RecordNumber MHS001UniqID OrgIDProv Person_ID UniqSubmissionID "
    "AgeRepPeriodEnd PostcodeDistrict DefaultPostcode LSOA2021 LADistrictAuth UniqMonthID NHSDEthnicity",
    "MHS002GP": "LocalPatientId GMPReg StartDateGMPRegistration EndDateGMPRegistration OrgIDGPPrac RecordNumber "
    "OrgIDProv Person_ID UniqSubmissionID UniqMonthID",
    "MHS003AccommStatus": "LocalPatientId AccommodationType SettledAccommodationInd AccommodationTypeDate "
    "SCHPlacementType AccommodationTypeStartDate AccommodationTypeEndDate RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqMonthID",
    "MHS004EmpStatus": "LocalPatientId EmployStatus EmployStatusStartDate EmployStatusEndDate EmployStatusRecDate "
    "WeekHoursWorked RecordNumber OrgIDProv Person_ID UniqSubmissionID UniqMonthID",
    "MHS101Referral": "ServiceRequestId LocalPatientId OrgIDComm ReferralRequestReceivedDate "
    "ReferralRequestReceivedTime SpecialisedMHServiceCode SourceOfReferralMH OrgIDReferringOrg "
    "ReferringCareProfessionalType ClinRespPriorityType PrimReasonReferralMH ReasonOAT DecisionToTreatDate "
    "ServDischDate ServDischTime ReferRejectionDate ReferClosReason RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqMonthID RecordStartDate RecordEndDate",
    "MHS201CareContact": "CareContactId ServiceRequestId CareContDate CareContTime OrgIDComm AdminCatCode "
    "ConsMechanismMH ActLocTypeCode PlaceOfSafetyInd SiteIDOfTreat AttendStatus CareContCancelDate RecordNumber "
    "OrgIDProv Person_ID UniqSubmissionID UniqServReqID UniqCareContID UniqMonthID",
    "MHS202CareActivity": "CareActId CareContactId CodeProcAndProcStatus RecordNumber Person_ID UniqSubmissionID "
    "UniqServReqID UniqCareContID UniqCareActID UniqMonthID",
    "MHS401MHActPeriod": "MHActLegalStatusClassPeriodId LocalPatientId StartDateMHActLegalStatusClass "
    "StartTimeMHActLegalStatusClass ExpiryDateMHActLegalStatusClass EndDateMHActLegalStatusClass LegalStatusCode "
    "MentalCat RecordNumber OrgIDProv Person_ID UniqSubmissionID UniqMHActEpisodeID UniqMonthID NHSDLegalStatus",
    "MHS501HospProvSpell": "HospProvSpellID ServiceRequestId StartDateHospProvSpell StartTimeHospProvSpell "
    "DecidedToAdmitDate SourceAdmMHHospProvSpell MethAdmMHHospProvSpell EstimatedDischDateHospProvSpell "
    "DischDateHospProvSpell MethOfDischMHHospProvSpell DestOfDischHospProvSpell RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqHospProvSpellID UniqMonthID",
    "MHS502WardStay": "WardStayId WardCode HospProvSpellID StartDateWardStay StartTimeWardStay EndDateWardStay "
    "MHAdmittedPatientClass SiteIDOfTreat WardLocDistanceHome RecordNumber OrgIDProv Person_ID UniqSubmissionID UniqServReqID "
    "UniqHospProvSpellID UniqWardStayID UniqMonthID",
    "MHS504DelayedDischarge": "HospProvSpellID StartDateDelayDisch EndDateDelayDisch DelayDischReason AttribToIndic "
    "OrgIDRespLADelayDisch RecordNumber OrgIDProv Person_ID UniqSubmissionID UniqServReqID UniqHospProvSpellID "
    "UniqMonthID",
    "MHS518ClinReadyforDischarge": "HospProvSpellID StartDateClinReadyforDisch EndDateClinReadyforDisch "
    "ClinReadyforDischDelayReason AttribToIndic OrgIDRespLAClinReadyforDisch RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqHospProvSpellID UniqMonthID",
    "MHS604PrimDiag": "ServiceRequestId DiagSchemeInUse PrimDiag CodedDiagTimestamp RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqMonthID MasterSnomedCTPrimDiagCode",
    "MHS605SecDiag": "ServiceRequestId DiagSchemeInUse SecDiag CodedDiagTimestamp RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqMonthID",
    "MHS606CodedScoreAssessmentRefer": "ServiceRequestId CodedAssToolType PersScore AssToolCompTimestamp RecordNumber "
    "OrgIDProv Person_ID UniqSubmissionID UniqServReqID UniqMonthID",
    "MHS607CodedScoreAssessmentAct": "CareActId CodedAssToolType PersScore RecordNumber OrgIDProv Person_ID "
    "UniqSubmissionID UniqServReqID UniqCareActID UniqMonthID",
    "IDS001MPI": "LocalPatientId OrgIDLocalPatientId OrgIDResidenceResp NHSNumber NHSNumberStatus PersonBirthDate "
    "Postcode Gender EthnicCategory ExBAFIndicator LanguageCodePreferred RecordNumber OrgID_Provider Person_ID "
    "UniqueSubmissionID Age_RP_EndDate Postcode_District Postcode_Default LSOA LocalAuthority County Unique_MonthID",
    "IDS002GP": "LocalPatientId GMPCodeReg StartDateGMPRegistration EndDateGMPRegistration OrgIDGPPrac RecordNumber "
    "Person_ID UniqueSubmissionID Unique_MonthID",
    "IDS004EmpStatus": "LocalPatientId EmployStatus EmployStatusRecDate WeekHoursWorked SelfEmployInd RecordNumber "
    "Person_ID UniqueSubmissionID Unique_MonthID",
    "IDS101Referral": "ServiceRequestId LocalPatientId OrgIDComm ReferralRequestReceivedDate SourceOfReferralMH "
    "OnsetDate PrevDiagCondInd EndCode ServDischDate RecordNumber OrgID_Provider Person_ID UniqueSubmissionID "
    "Unique_ServiceRequestID Unique_MonthID",
    "IDS201CareContact": "CareContactId ServiceRequestId CareContDate CareContTime OrgIDComm "
    "PlannedCareContIndicator AttendOrDNACode Cancellation AppType ConsMediumUsed RecordNumber Person_ID "
    "UniqueSubmissionID Unique_ServiceRequestID Unique_CareContactID Unique_MonthID",
    "IDS202CareActivity": "CareActId CareContactId CodeProcAndProcStatus RecordNumber Person_ID UniqueSubmissionID "
    "Unique_ServiceRequestID Unique_CareContactID Unique_CareActivityID Unique_MonthID",
    "IDS603PresentingComplaints": "ServiceRequestId FindSchemeInUse PresComp PresCompCodSig PresCompDate RecordNumber "
    "Person_ID UniqueSubmissionID Unique_ServiceRequestID Unique_MonthID",
    "IDS607CodedScoreAssessmentAct": "CareActId CodedAssToolType PersScore RecordNumber Person_ID "
    "UniqueSubmissionID Unique_ServiceRequestID Unique_CareContactID Unique_CareActivityID Unique_MonthID",
    "Header": "CHILD SEX DOB ETHNIC UPN MOTHER MC_DOB",
    "Episodes": "CHILD DECOM RNE LS CIN PLACE PLACE_PROVIDER DEC REC REASON_PLACE_CHANGE HOME_POST PL_POST URN",
    "ChildIdentifiers": "LAchildID UPN FormerUPN UPNunknown PersonBirthDate ExpectedPersonBirthDate Sex "
    "PersonDeathDate",
    "ChildCharacteristics": "LAchildID Ethnicity",
    "CINdetails": "LAchildID CINdetailsID CINreferralDate ReferralSource PrimaryNeedCode CINclosureDate "
    "ReasonForClosure DateOfInitialCPC ReferralNFA",
    "ChildProtectionPlans": "LAchildID CINdetailsID CPPID CPPstartDate CPPendDate InitialCategoryOfAbuse "
    "LatestCategoryOfAbuse NumberOfPreviousCPP",
}  # fmt: skip
# Names with blanks and brackets, which the data sets take from the NHS Data Model and Dictionary.
LISTED = {
    "CYP001MPI": (
        "LOCAL PATIENT IDENTIFIER (EXTENDED)", "NHS NUMBER", "NHS NUMBER STATUS INDICATOR CODE", "PERSON BIRTH DATE",
        "POSTCODE OF USUAL ADDRESS", "PERSON STATED GENDER CODE", "ETHNIC CATEGORY", "LOOKED AFTER CHILD INDICATOR",
        "PERSON DEATH DATE", "RECORD NUMBER", "PERSON ID", "UNIQUE SUBMISSION ID",
        "LOWER SUPER OUTPUT AREA (RESIDENCE)", "UNIQUE MONTH ID",
    ),
    "CYP101Referral": (
        "SERVICE REQUEST IDENTIFIER", "LOCAL PATIENT IDENTIFIER (EXTENDED)", "REFERRAL REQUEST RECEIVED DATE",
        "SOURCE OF REFERRAL FOR COMMUNITY", "PRIORITY TYPE CODE", "PRIMARY REASON FOR REFERRAL (COMMUNITY CARE)",
        "SERVICE DISCHARGE DATE", "RECORD NUMBER", "PERSON ID", "UNIQUE SUBMISSION ID",
        "UNIQUE SERVICE REQUEST IDENTIFIER", "UNIQUE MONTH ID",
    ),
    "CYP201CareContact": (
        "CARE CONTACT IDENTIFIER", "SERVICE REQUEST IDENTIFIER", "CARE CONTACT DATE", "CONSULTATION TYPE",
        "ATTENDED OR DID NOT ATTEND CODE", "RECORD NUMBER", "PERSON ID", "UNIQUE SUBMISSION ID",
        "UNIQUE SERVICE REQUEST IDENTIFIER", "UNIQUE CARE CONTACT IDENTIFIER", "UNIQUE MONTH ID",
    ),
    "cld": (
        "LA_Code", "Reporting_Period_Start_Date", "Reporting_Period_End_Date", "NHS_Number",
        "Person_Unique_Identifier", "GP_Practice_Name", "GP_Practice_Code", "Gender", "Ethnicity", "Date_of_Birth",
        "Date_of_Death", "Client_Type", "Primary_Support_Reason", "Postcode", "Accommodation_Status",
        "Employment_Status", "Has_Unpaid_Carer", "Autism_Spectrum_Disorder_ASD", "Visual_Impairment",
        "Hearing_Impairment", "Dementia", "Client_Funding_Status", "Event_Type", "Event_Reference",
        "Event_Start_Date", "Event_End_Date", "Event_Description", "Event_Outcome", "Request_Route_of_Access",
        "Service_Type", "Service_Component", "Delivery_Mechanism", "Provider_CQC_Name", "Planned_units_per_week",
        "Unit_Cost",
    ),
    "hes_apc": (
        "FYEAR", "EPIKEY", "PSEUDO_HESID", "ADMIDATE", "ADMIMETH", "CAUSE_3", "CAUSE_4", "DIAG_3_01", "DIAG_3_02",
        "DIAG_3_CONCAT", "DIAG_4_01", "DIAG_4_02", "DIAG_4_CONCAT", "DIAG_COUNT", "DISDATE", "DISMETH", "EPIEND",
        "EPIORDER", "EPISTART", "EPISTAT", "EPITYPE", "ETHNOS", "GPPRAC", "MAINSPEF", "MYDOB", "PROCODE3", "SEX",
        "STARTAGE", "LSOA11", "SUSRECID",
    ),
    "ecds": (
        "EC_Ident", "Der_Pseudo_NHS_Number", "Sex", "Ethnic_Category", "GP_Practice_Code",
        "Der_Postcode_LSOA_2021_Code", "Arrival_Date", "Arrival_Time", "EC_AttendanceCategory",
        "EC_Chief_Complaint_SNOMED_CT", "EC_Injury_Intent_SNOMED_CT", "EC_Diagnosis_01", "EC_Diagnosis_02",
        "EC_Departure_Date", "EC_Discharge_Status_SNOMED_CT", "Discharge_Destination_SNOMED_CT", "CDS_Extract_Date",
    ),
    "sus_apc": (
        "APCE_Ident", "Der_Pseudo_NHS_Number", "Der_Spell_ID", "Der_Provider_Code", "Sex", "Ethnic_Group",
        "GP_Practice_Code", "Der_Postcode_LSOA_2021_Code", "Admission_Date", "Admission_Method", "Discharge_Date",
        "Discharge_Method", "Episode_Start_Date", "Episode_End_Date", "Der_Episode_Number",
        "Der_Primary_Diagnosis_Code", "Main_Specialty_Code",
    ),
}  # fmt: skip


def columns_of(name: str) -> Sequence[str]:
    """Return the published columns of a file."""
    return LISTED[name] if name in LISTED else HEADERS[name].split()


def write(folder: Path, name: str, rows: Sequence[Mapping[str, str]], *, file: str = "") -> Path:
    """Write a file with its published header; columns that a row leaves out are empty."""
    columns = columns_of(name)
    unknown = {key for row in rows for key in row} - set(columns)
    assert not unknown, unknown
    path = folder / (file or f"{name}.csv")
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def take(name: str, path: Path, table: str) -> Accepted:
    """Return one table of an extract, read under its preset, with no problem."""
    accepted = load(preset(name).apply_to_all(TableFile(TABLES[table], path)), where=name)
    assert not accepted.problems, [each.what for each in accepted.problems]
    counts = accepted.counts
    made, gone = sum(counts.added_by.values()), sum(counts.left_out_by.values())
    assert counts.rows_in + made == counts.accepted + counts.quarantined + gone
    return accepted


def rows_of(name: str, path: Path, table: str, *columns: str) -> list[tuple[object, ...]]:
    """Return the rows of one table, some columns of it, none of whose values was unreadable."""
    accepted = take(name, path, table)
    assert not accepted.counts.unreadable, accepted.counts.unreadable
    return accepted.frame.select(columns).rows()
