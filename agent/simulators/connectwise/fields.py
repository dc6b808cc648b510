"""The fields that each resource has in the published description of ConnectWise PSA, and their kinds.

The server refuses conditions and selections that name anything else, so the simulator must know them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

FieldKind = Literal["int", "number", "flag", "text", "date", "ref", "list", "info", "any"]


@dataclass(frozen=True, eq=False)
class Fields:
    """Compared by identity, so that what is parsed with one can be kept under it."""

    kinds: Mapping[str, FieldKind]


def _fields(**names: str) -> Fields:
    return Fields({name: cast(FieldKind, kind) for kind, listed in names.items() for name in listed.split()})


ADDITION = _fields(
    int="id agreementId",
    number="""
        quantity lessIncluded unitPrice unitCost billedQuantity extPrice extCost sequenceNumber margin
        prorateCost proratePrice extendedProrateCost extendedProratePrice
    """,
    flag="taxableFlag purchaseItemFlag specialOrderFlag prorateCurrentPeriodFlag",
    text="billCustomer serialNumber invoiceDescription description uom agreementStatus",
    date="effectiveDate cancelledDate",
    ref="product opportunity invoiceGrouping",
    list="customFields",
    info="_info",
)

AGREEMENT = _fields(
    int="id expiredDays limit",
    number="applicationLimit compHourlyRate compLimitAmount billAmount prorateFirstBill",
    flag="""
        restrictLocationFlag restrictDepartmentFlag noEndingDateFlag cancelledFlag
        applicationUnlimitedFlag oneTimeFlag coverAgreementTime coverAgreementProduct
        coverAgreementExpense coverSalesTax carryOverUnused allowOverruns expireWhenZero chargeToFirm
        billOneTimeFlag taxable restrictDownPayment prorateFlag invoiceProratedAdditionsFlag topComment
        bottomComment billableTimeInvoice billableExpenseInvoice billableProductInvoice autoInvoiceFlag
        billZeroAmountFlag
    """,
    text="""
        name customerPO reasonCancelled workOrder internalNotes applicationUnits applicationCycle
        employeeCompRate employeeCompNotExceed invoicingCycle invoiceDescription billTime billExpenses
        billProducts periodType agreementStatus
    """,
    date="startDate endDate dateCancelled billStartDate nextInvoiceDate",
    ref="""
        type company contact site subContractCompany subContractContact parentAgreement location
        department opportunity sla billingCycle billingTerms billToCompany billToContact billToSite
        taxCode workRole workType projectType invoiceTemplate currency companyLocation shipToCompany
        shipToContact shipToSite
    """,
    list="customFields",
    info="_info",
)

AGREEMENT_TYPE = _fields(
    int="id expiredDays limit",
    number="applicationLimit compHourlyRate compLimitAmount billAmount",
    flag="""
        defaultFlag inactiveFlag prePaymentFlag restrictLocationFlag restrictDepartmentFlag
        applicationUnlimitedFlag oneTimeFlag coverAgreementTimeFlag coverAgreementProductFlag
        coverAgreementExpenseFlag coverSalesTaxFlag carryOverUnusedFlag allowOverrunsFlag expireWhenZero
        chargeToFirmFlag billOneTimeFlag taxableFlag restrictDownPaymentFlag topCommentFlag
        bottomCommentFlag billableTimeInvoiceFlag billableExpenseInvoiceFlag billableProductInvoiceFlag
        copyWorkRolesFlag copyWorkTypesFlag addAllWorkRoleExclusions removeAllWorkRoleExclusions
        addAllWorkTypeExclusions removeAllWorkTypeExclusions prorateFlag autoInvoiceFlag
        billZeroAmountFlag invoiceProratedAdditionsFlag
    """,
    text="""
        name prefixSuffixOption invoicePreSuffix applicationUnits applicationCycle employeeCompRate
        employeeCompNotExceed invoicingCycle invoiceDescription billTime billExpenses billProducts
        integrationXRef connectWiseId
    """,
    ref="""
        location department sla billingCycle billingTerms workRole workType projectType invoiceTemplate
        emailTemplate
    """,
    list="exclusionWorkRoleIds exclusionWorkTypeIds",
    info="_info",
)

BILLING_CYCLE = _fields(
    int="id",
    flag="defaultFlag",
    text="identifier name billingOptions",
    info="_info",
)

CATALOG_ITEM = _fields(
    int="id minStockLevel",
    number="price cost recurringRevenue recurringCost calculatedPrice calculatedCost markupPercentage",
    flag="""
        inactiveFlag serializedFlag serializedCostFlag phaseProductFlag taxableFlag dropShipFlag
        specialOrderFlag recurringFlag recurringOneTimeFlag calculatedPriceFlag calculatedCostFlag
        markupFlag autoUpdateUnitCostFlag autoUpdateUnitPriceFlag
    """,
    text="""
        identifier description productClass priceAttribute customerDescription manufacturerPartNumber
        vendorSku notes integrationXRef recurringCycleType billableOption connectWiseID
    """,
    ref="""
        subcategory type unitOfMeasure manufacturer vendor sla entityType recurringBillCycle category
        agreementType
    """,
    list="customFields",
    info="_info",
)

COMPANY = _fields(
    int="id numberOfEmployees yearEstablished revenueYear",
    number="annualRevenue creditLimit additionalDebt",
    flag="leadFlag unsubscribeFlag deletedFlag isVendorFlag",
    text="""
        identifier name addressLine1 addressLine2 city state zip phoneNumber faxNumber website
        accountNumber leadSource userDefinedField1 userDefinedField2 userDefinedField3 userDefinedField4
        userDefinedField5 userDefinedField6 userDefinedField7 userDefinedField8 userDefinedField9
        userDefinedField10 vendorIdentifier taxIdentifier invoiceToEmailAddress invoiceCCEmailAddress
        deletedBy mobileGuid facebookUrl twitterUrl linkedInUrl resellerIdentifier
    """,
    date="dateAcquired dateDeleted",
    ref="""
        status country territory market defaultContact sicCode parentCompany ownershipType timeZoneSetup
        calendar taxCode billingTerms invoiceTemplate pricingSchedule companyEntityType billToCompany
        billingSite billingContact invoiceDeliveryMethod emailTemplate currency territoryManager site
    """,
    list="types integratorTags customFields",
    info="_info",
)

INVOICE = _fields(
    int="id applyToId templateSetupId emailTemplateId locationId departmentId territoryId",
    number="""
        serviceTotal expenseTotal productTotal previousProgressApplied serviceAdjustmentAmount
        agreementAmount downpaymentApplied subtotal total remainingDownpayment salesTax payments credits
        balance
    """,
    flag="""
        addToBatchEmailList restrictDownpaymentFlag taxableFlag downpaymentPreviouslyTaxedFlag
        overrideDownPaymentAmountFlag specialInvoiceFlag
    """,
    text="""
        invoiceNumber type accountNumber applyToType attention shipToAttention billingSiteAddressLine1
        billingSiteAddressLine2 billingSiteCity billingSiteState billingSiteZip billingSiteCountry
        shippingSiteAddressLine1 shippingSiteAddressLine2 shippingSiteCity shippingSiteState
        shippingSiteZip shippingSiteCountry reference customerPO topComment bottomComment internalNotes
        adjustmentReason adjustedBy closedBy
    """,
    date="date dueDate",
    ref="""
        status company billToCompany shipToCompany billingSite shippingSite billingTerms invoiceTemplate
        location department territory taxCode currency billingSetupReference ticket project phase
        salesOrder agreement glBatch unbatchedBatch
    """,
    list="customFields",
    info="_info",
)

USER_DEFINED_FIELD = _fields(
    int="id podId sequenceNumber numberDecimals",
    flag="""
        requiredFlag displayOnScreenFlag readOnlyFlag listViewFlag addAllBusinessUnits
        removeAllBusinessUnits addAllLocations removeAllLocations
    """,
    text="""
        podDescription caption screenId screenDescription helpText fieldTypeIdentifier entryTypeIdentifier
        buttonUrl connectWiseID
    """,
    date="dateCreated",
    list="options businessUnitIds locationIds",
    info="_info",
)

CUSTOM_FIELD_VALUE = _fields(
    int="id numberOfDecimals rowNum userDefinedFieldRecId",
    text="caption type entryMethod connectWiseId podId",
    any="value",
)

# What a reference, and `_info`, is made of; the description leaves `_info` an open map of strings.
REFERENCE = _fields(
    int="id numberOfDecimals",
    flag="serializedFlag chargeFirmFlag",
    text="identifier name type symbol currencyCode currencyIdentifier description summary",
    info="_info",
)
INFO = _fields(text="updatedBy enteredBy", date="lastUpdated dateEntered")


def kind_of(fields: Fields, path: str) -> FieldKind:
    """The kind of `company/id` and the like; KeyError with the name that is not known.

    `lastUpdated` may be asked of every resource, whether or not it is in its description (reference 3.2).
    """
    if path == "lastUpdated":
        return "date"
    kinds = fields.kinds
    kind: FieldKind = "ref"
    for part in path.split("/"):
        kind = kinds[part]
        kinds = {"ref": REFERENCE.kinds, "info": INFO.kinds}.get(kind, {})
    return kind
